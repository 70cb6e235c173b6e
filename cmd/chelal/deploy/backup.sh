#!/bin/bash
# Dumps the database of compose.yaml once a day, and deletes dumps that are older than BACKUP_DAYS
# days once there is a newer one. A dump is complete before it has its name.
set -euo pipefail
PGPASSWORD="$(cat "${PASSWORD_FILE:-/run/secrets/db_password}")"
export PGPASSWORD PGHOST="${PGHOST:-postgres}" PGUSER="${PGUSER:-chelal}" PGDATABASE="${PGDATABASE:-chelal}"
cd "${BACKUP_FOLDER:-/backups}"
while true; do
	name="chelal-$(date -u +%Y%m%dT%H%M%SZ).dump"
	if pg_dump --format=custom --file="$name.part" && pg_restore --list "$name.part" >/dev/null; then
		mv "$name.part" "$name"
		find . -name 'chelal-*.dump' -mtime "+${BACKUP_DAYS:-14}" -delete
		echo "backed up to $name, $(stat -c %s "$name") bytes"
	else
		rm -f "$name.part"
		echo "the backup failed" >&2
		[ -z "${BACKUP_ONCE:-}" ] || exit 1
	fi
	[ -z "${BACKUP_ONCE:-}" ] || exit 0
	sleep 86400 &
	wait $!
done

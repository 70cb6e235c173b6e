package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/config"
	"chelal/internal/pg"
	"chelal/internal/seed"
)

const demoPassword = "chelal-demo"

// demoAccounts are one for each role. Where the demo data has somebody at work in a role,
// the account is theirs, with their name; the patient is called what the linked record is.
var demoAccounts = []struct{ username, firstName, lastName, role string }{
	{"admin", "Amina", "Odhiambo", authn.RoleAdmin},
	{"doctor", "Joseph", "Kamau", authn.RoleDoctor},
	{"nurse", "Grace", "Achieng", authn.RoleNurse},
	{"receptionist", "Fatuma", "Hassan", authn.RoleReceptionist},
	{"pharmacist", "Daniel", "Mwangi", authn.RolePharmacist},
	{"patient", "Esther", "Njeri", authn.RolePatient},
}

// addDemo fills a new database, once: the accounts come last and together, so that
// the account admin says that all of it is there.
func (d *dev) addDemo(ctx context.Context, cfg config.Config, pool *pgxpool.Pool) error {
	var complete, begun bool
	err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM core_user WHERE username = 'admin'),
		EXISTS (SELECT FROM core_patient)`).Scan(&complete, &begun)
	if err != nil || complete {
		return err
	}
	now := d.now().In(cfg.Zone)
	if !begun && d.patients > 0 {
		progress := d.newProgress()
		_, err := seed.Run(ctx, pool, seed.Options{
			Patients: d.patients, Appointments: 3 * d.patients, RNGSeed: 1, Now: now,
			Progress: func(step string, done, total int) { progress.tell(step, int64(done), int64(total)) },
		})
		progress.end()
		if err != nil {
			return err
		}
	}
	return addAccounts(ctx, pool, now)
}

func addAccounts(ctx context.Context, pool *pgxpool.Pool, today time.Time) error {
	hash, err := authn.NewHasher(1).Hash(ctx, demoPassword)
	if err != nil {
		return err
	}
	err = pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		for _, a := range demoAccounts {
			_, err := tx.Exec(ctx, `WITH at_work AS (
					UPDATE core_user SET username = $1, email = $2, password = $5 WHERE id = (
						SELECT u.id FROM core_user u JOIN core_role r ON r.id = u.role_id
						WHERE r.name = $6 AND u.password = $7 AND NOT EXISTS (SELECT FROM core_user WHERE username = $1)
						ORDER BY u.id LIMIT 1)
					RETURNING id)
				INSERT INTO core_user (username, email, first_name, last_name, role_id, password)
				SELECT $1, $2, $3, $4, id, $5 FROM core_role WHERE name = $6 AND NOT EXISTS (SELECT FROM at_work)
				ON CONFLICT DO NOTHING`,
				a.username, a.username+"@example.org", a.firstName, a.lastName, hash, a.role, seed.NoPassword)
			if err != nil {
				return err
			}
		}
		if err := tellAdmin(ctx, tx); err != nil {
			return err
		}
		return linkPatient(ctx, tx, today)
	})
	if err != nil {
		return fmt.Errorf("make the demo accounts: %w", err)
	}
	return nil
}

// tellAdmin gives the account admin the notices that Admins and pharmacists get alike.
func tellAdmin(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO core_notification (user_id, title, message, type, created_at)
		SELECT a.id, n.title, n.message, n.type, n.created_at
		FROM core_notification n JOIN core_user p ON p.id = n.user_id, core_user a
		WHERE n.type = 'low_stock' AND p.username = 'pharmacist' AND a.username = 'admin'
		  AND NOT EXISTS (SELECT FROM core_notification WHERE user_id = a.id)
		ORDER BY n.id`)
	return err
}

// linkPatient gives the account patient the record of a grown-up who has none, or a new one.
func linkPatient(ctx context.Context, tx pgx.Tx, today time.Time) error {
	var user db.CoreUser
	err := tx.QueryRow(ctx, `SELECT id, first_name, last_name FROM core_user u WHERE username = 'patient'
		AND NOT EXISTS (SELECT FROM core_patient WHERE user_id = u.id)`).Scan(&user.ID, &user.FirstName, &user.LastName)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	grown := time.Date(today.Year()-18, today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	tag, err := tx.Exec(ctx, `WITH linked AS (
			UPDATE core_patient SET user_id = $1, version = version + 1 WHERE id = (
				SELECT id FROM core_patient WHERE user_id IS NULL AND date_of_birth <= $2 ORDER BY id LIMIT 1)
			RETURNING first_name, last_name)
		UPDATE core_user SET first_name = linked.first_name, last_name = linked.last_name FROM linked WHERE id = $1`,
		user.ID, grown)
	if err != nil || tag.RowsAffected() == 1 {
		return err
	}
	_, err = db.New().PatientCreate(ctx, tx, db.PatientCreateParams{
		FirstName: user.FirstName, LastName: user.LastName, DateOfBirth: grown.AddDate(-12, -3, -5), Gender: "F",
		ContactInfo: "patient@example.org", UserID: &user.ID, Now: today,
	})
	return err
}

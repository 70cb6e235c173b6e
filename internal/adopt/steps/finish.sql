-- Ids go on behind those that were taken over.
DO $$
DECLARE
    name text;
    most bigint;
BEGIN
    FOREACH name IN ARRAY ARRAY['role', 'user', 'patient', 'appointment', 'encounter', 'prescription', 'medication', 'bill', 'billitem',
        'payment', 'notification', 'rolechangerequest', 'loginactivity', 'systemsetting', 'auditlog'] LOOP
        EXECUTE format('SELECT max(id) FROM %I', 'core_' || name) INTO most;
        IF most IS NOT NULL THEN
            PERFORM setval(pg_get_serial_sequence('core_' || name, 'id'), most);
        END IF;
    END LOOP;
END $$;

SELECT core_figures_rebuild();

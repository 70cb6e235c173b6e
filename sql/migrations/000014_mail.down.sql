DROP INDEX core_appointment_expected_idx;
DROP TABLE core_maildelivery;

DROP TABLE core_documentnumber, core_documentcounter;
DROP TABLE core_refund;
DROP TRIGGER core_payment_sum_insert ON core_payment;
DROP TRIGGER core_payment_sum_update ON core_payment;
DROP TRIGGER core_payment_sum_delete ON core_payment;
DROP TRIGGER core_billitem_sum_insert ON core_billitem;
DROP TRIGGER core_billitem_sum_update ON core_billitem;
DROP TRIGGER core_billitem_sum_delete ON core_billitem;
DROP FUNCTION core_billitem_sum(), core_payment_sum(), core_refund_sum(), core_refund_refuse(), core_documentnumber_void();

DROP INDEX idx_bill_patient, idx_bill_date, core_bill_open_idx, core_bill_due_date_idx, core_bill_total_idx,
    idx_payment_date, core_payment_bill_idx, core_payment_amount_idx, core_payment_method_idx;
CREATE INDEX idx_bill_patient ON core_bill (patient_id);
CREATE INDEX idx_bill_date ON core_bill (date_issued);
CREATE INDEX idx_payment_date ON core_payment (payment_date);
CREATE INDEX core_payment_bill_idx ON core_payment (bill_id);

ALTER TABLE core_bill
    DROP CONSTRAINT core_bill_paid_check, DROP CONSTRAINT core_bill_balance_check, DROP COLUMN is_paid;
ALTER TABLE core_bill ADD COLUMN is_paid boolean NOT NULL DEFAULT false;
UPDATE core_bill SET is_paid = total_amount > 0 AND amount_paid = total_amount;
ALTER TABLE core_bill DROP COLUMN due_date, DROP COLUMN amount_paid, DROP COLUMN version;

ALTER TABLE core_payment
    DROP CONSTRAINT core_payment_refunded_check, DROP COLUMN refunded_amount, DROP COLUMN version,
    DROP CONSTRAINT core_payment_bill_fkey,
    ADD CONSTRAINT core_payment_bill_fkey FOREIGN KEY (bill_id) REFERENCES core_bill (id) ON DELETE CASCADE;
ALTER TABLE core_billitem
    DROP CONSTRAINT core_billitem_description_check, DROP CONSTRAINT core_billitem_line_check,
    DROP COLUMN service_item_id, DROP COLUMN version;
DROP TABLE core_serviceitem;

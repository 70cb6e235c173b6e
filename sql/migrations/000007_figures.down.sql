DROP INDEX core_user_date_joined_idx;
DROP INDEX core_patient_birthday_idx;
DROP TRIGGER core_figures ON core_patient;
DROP TRIGGER core_figures ON core_appointment;
DROP TRIGGER core_figures ON core_prescription;
DROP TRIGGER core_figures ON core_bill;
DROP TRIGGER core_figures ON core_payment;
DROP TRIGGER core_figures ON core_refund;
DROP FUNCTION core_figures_patient(), core_figures_appointment(), core_figures_prescription(), core_figures_bill(),
    core_figures_payment(), core_figures_refund(), core_figures_fold, core_figures_rebuild;
DROP VIEW core_figure_source, core_figure_current;
DROP FUNCTION core_figure_bucket;
DROP TABLE core_figure, core_figuredelta;

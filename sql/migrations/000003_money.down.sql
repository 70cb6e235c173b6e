DROP TABLE core_payment, core_billitem, core_bill;

DROP VIEW core_caller;

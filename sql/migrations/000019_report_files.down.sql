DROP TABLE core_reportfile;

DROP TABLE core_syncbatchoperation;
DROP TABLE core_syncbatch;
DROP TABLE core_syncoperation;

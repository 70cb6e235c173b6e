DROP FUNCTION core_document_number(text, bigint);

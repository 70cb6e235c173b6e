-- How the number of a document is written, such as INV-0000042: more digits when seven are not enough.
CREATE FUNCTION core_document_number(kind text, number bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind WHEN 'invoice' THEN 'INV-' WHEN 'receipt' THEN 'RCT-' END || lpad(number::text, greatest(7, length(number::text)), '0');

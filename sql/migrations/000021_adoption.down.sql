DROP TABLE core_adoptionstep;
DROP TABLE core_adoptionissue;

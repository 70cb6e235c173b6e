DROP TABLE core_socketticket;

DROP TRIGGER core_patient_access_delete ON core_patient;
DROP TRIGGER core_patient_access_insert ON core_patient;
DROP TRIGGER core_patient_access ON core_patient;
DROP TRIGGER core_session_access_delete ON core_session;
DROP TRIGGER core_session_access ON core_session;
DROP TRIGGER core_user_access ON core_user;
DROP FUNCTION core_event_access();

DROP FUNCTION core_events_number(integer);
DROP TABLE core_event;

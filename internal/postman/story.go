package main

// step is one request of the collection.
type step struct {
	op    string // of the contract
	title string // where an operation comes again, else its summary
	as    string // the account, a variable of the collection; "" is admin
	// path, query and header name parameters; body what differs from the contract's example. A text
	// "#{{name}}" stands for a number.
	path, query, header map[string]string
	body                map[string]any
	status              int               // 0 is the first success that is documented
	save                map[string]string // variables of what the answer says, in JavaScript
	before, after       string            // JavaScript around the request
}

type (
	vars = map[string]string
	body = map[string]any
)

func id(name string) vars { return vars{"id": "{{" + name + "}}"} }

func number(name string) string { return "#{{" + name + "}}" }

// saved keeps the answer's id.
func saved(name string) vars { return vars{name: "answer.id"} }

// chapter is a folder of the collection.
type chapter struct {
	name  string
	steps []step
}

// story is every operation at least once: what is read has been made before, and what was
// made is deleted where that may be.
var story = []chapter{
	{"The server", []step{
		{op: "getHealth"}, {op: "getPublicSettings"},
	}},
	{"Signing in", []step{
		{op: "signIn", body: body{"username": "{{admin}}", "password": "{{password}}"}, save: vars{"first": "answer.access", "refresh": "answer.refresh"}},
		{op: "refreshTokens", body: body{"refresh": "{{refresh}}"}, save: vars{"second": "answer.access"}},
		{op: "signOut", header: vars{"Authorization": "Bearer {{second}}"}},
	}},
	{"The own account", []step{
		{op: "register", body: body{"username": "{{member}}", "email": "{{member}}@example.org", "password": "{{password}}", "role_id": number("two")},
			save: vars{"member_id": "answer.user.id"}, before: "pm.collectionVariables.set('two', '2')"},
		{op: "getCurrentUser"}, {op: "getProfile", title: "Get the own profile", as: "member"},
		{op: "updateProfile", as: "member", body: body{"email": "{{member}}@example.org"}},
		{op: "replaceProfile", title: "Replace the own account", as: "member", body: body{"email": "{{member}}@example.org"}},
		{op: "getPreferences", as: "member"}, {op: "replacePreferences", as: "member"},
		{op: "listOwnAuditLog", as: "member"}, {op: "listOwnLoginActivity", as: "member"}, {op: "createSocketTicket", as: "member"},
		{op: "setupTwoFactor", as: "member", save: vars{"secret": "answer.secret"}},
		{op: "enableTwoFactor", as: "member", before: oneTimeCode, body: body{"otp": "{{otp}}"}, save: vars{"recovery": "answer.recovery_codes[0]"}},
		{op: "disableTwoFactor", as: "member", body: body{"password": "{{password}}", "otp": "{{recovery}}"}},
		{op: "resetTwoFactor", path: id("member_id"), after: signedOut},
	}},
	{"Roles", []step{
		{op: "createRole", body: body{"name": "Laboratory {{run}}"}, save: saved("role")},
		{op: "listRoles"}, {op: "getRole", path: id("role")}, {op: "updateRole", path: id("role")},
		{op: "replaceRole", path: id("role"), body: body{"name": "Laboratory {{run}}"}}, {op: "deleteRole", path: id("role")},
	}},
	{"Asking for a role", []step{
		{op: "listRoleChangeRequests", as: "member", save: vars{"request": "answer.results[0].id"}},
		{op: "getRoleChangeRequest", as: "member", path: id("request")}, {op: "updateRoleChangeRequest", as: "member", path: id("request")},
		{op: "replaceRoleChangeRequest", as: "member", path: id("request"), body: body{"requested_role": 3}},
		{op: "rejectRoleChangeRequest", path: id("request"), body: body{"review_notes": "Ask again on Monday."}},
		{op: "createRoleChangeRequest", as: "member", body: body{"requested_role": 3}, save: saved("request")},
		{op: "approveRoleChangeRequest", path: id("request")}, {op: "deleteRoleChangeRequest", path: id("request")},
		{op: "assignRole", body: body{"user_id": number("member_id"), "role_id": 2}},
		{op: "changePassword", as: "member", body: body{"current_password": "{{password}}"}},
	}},
	{"Accounts", []step{
		{op: "createUser", body: body{"username": "user-{{run}}", "email": "user-{{run}}@example.org"}, save: saved("user")},
		{op: "listUsers", query: vars{"role": "Doctor", "page_size": "5"}}, {op: "getUser", path: id("user")},
		{op: "replaceUser", path: id("user"), body: body{"username": "user-{{run}}", "email": "user-{{run}}@example.org"}},
		{op: "updateUser", path: id("user")}, {op: "deleteUser", path: id("user")},
	}},
	{"Patients", []step{
		{op: "createPatient", body: body{"last_name": "Smith {{run}}"}, save: saved("patient")},
		{op: "createPatient", title: "Register the patient once more", body: body{"last_name": "Smith {{run}}"}, save: saved("duplicate")},
		{op: "listPatients", query: vars{"search": "smith", "page_size": "5"}}, {op: "getPatient", path: id("patient")},
		{op: "updatePatient", path: id("patient")}, {op: "replacePatient", path: id("patient"), body: body{"last_name": "Smith {{run}}", "known_allergies": ""}},
		{op: "mergePatient", path: id("patient"), body: body{"duplicate": number("duplicate")}}, {op: "unmergePatient", path: id("duplicate")},
		{op: "createPatient", title: "Register another patient", body: body{"last_name": "Jones {{run}}", "contact_info": ""}, save: saved("another")},
		{op: "deletePatient", path: id("another")},
	}},
	{"Appointments", []step{
		{op: "getAvailability", query: vars{"doctor": "{{member_id}}", "date": "{{day}}"}, save: vars{"slot": "answer.slots[0].time", "later": "answer.slots[4].time"}},
		{op: "createAppointment", body: body{"patient": number("patient"), "doctor": number("member_id"), "date": "{{day}}", "time": "{{slot}}"}, save: saved("appointment")},
		{op: "listAppointments", query: vars{"patient": "{{patient}}"}}, {op: "getAppointment", path: id("appointment")},
		{op: "replaceAppointment", path: id("appointment"), body: body{"patient": number("patient"), "doctor": number("member_id"), "date": "{{day}}", "time": "{{later}}"}},
		{op: "updateAppointment", path: id("appointment")},
	}},
	{"Encounters", []step{
		{op: "createEncounter", body: body{"patient": number("patient"), "doctor": number("member_id"), "appointment": number("appointment")}, save: saved("encounter")},
		{op: "listEncounters", query: vars{"patient": "{{patient}}"}}, {op: "getEncounter", path: id("encounter")},
		{op: "replaceEncounter", path: id("encounter"), body: body{"patient": number("patient"), "doctor": number("member_id"), "appointment": number("appointment")}}, {op: "updateEncounter", path: id("encounter")},
	}},
	{"Pharmacy and prescriptions", []step{
		{op: "createMedication", body: body{"name": "Amoxil {{run}}"}, save: saved("medication")},
		{op: "listMedications", query: vars{"search": "amoxil"}}, {op: "getMedication", path: id("medication")},
		{op: "replaceMedication", path: id("medication"), body: body{"name": "Amoxil {{run}}", "current_stock": nil}}, {op: "updateMedication", path: id("medication")},
		{op: "adjustStock", path: id("medication")}, {op: "listStockMovements", path: id("medication")},
		{op: "createPrescription", body: body{"encounter": number("encounter"), "medication": number("medication")}, save: saved("prescription")},
		{op: "listPrescriptions", query: vars{"patient": "{{patient}}"}}, {op: "getPrescription", path: id("prescription")},
		{op: "replacePrescription", path: id("prescription"), body: body{"encounter": number("encounter"), "medication": number("medication")}},
		{op: "updatePrescription", path: id("prescription")}, {op: "dispensePrescription", path: id("prescription")},
		{op: "createPrescription", title: "Write another prescription", body: body{"encounter": number("encounter"), "medication": number("medication")}, save: saved("unused")},
		{op: "deletePrescription", path: id("unused")},
		{op: "createMedication", title: "Add another medication", body: body{"name": "Unused {{run}}", "current_stock": 0}, save: saved("unused")},
		{op: "deleteMedication", path: id("unused")},
	}},
	{"Bills and payments", []step{
		{op: "createServiceItem", body: body{"code": "CONS-{{run}}"}, save: saved("service")},
		{op: "listServiceItems"}, {op: "getServiceItem", path: id("service")}, {op: "replaceServiceItem", path: id("service"), body: body{"code": "CONS-{{run}}"}},
		{op: "updateServiceItem", path: id("service")},
		{op: "createBill", body: body{"patient": number("patient"), "encounter": number("encounter"), "due_date": "{{day}}",
			"items": []body{{"service_item": number("service")}, {"description": "Dressing", "amount": "12.50", "quantity": 2}}}, save: saved("bill")},
		{op: "listBills", query: vars{"patient": "{{patient}}"}}, {op: "getBill", path: id("bill")},
		{op: "replaceBill", path: id("bill"), body: body{"patient": number("patient"), "encounter": number("encounter"), "due_date": "{{day}}"}},
		{op: "updateBill", path: id("bill"), body: body{"due_date": "{{day}}"}},
		{op: "createBillItem", body: body{"bill": number("bill")}, save: saved("item")},
		{op: "listBillItems", query: vars{"bill": "{{bill}}"}}, {op: "getBillItem", path: id("item")}, {op: "replaceBillItem", path: id("item")},
		{op: "updateBillItem", path: id("item")}, {op: "deleteBillItem", path: id("item")}, {op: "getInvoice", path: id("bill")},
		{op: "createPayment", body: body{"bill": number("bill")}, save: saved("payment")},
		{op: "listPayments", query: vars{"bill": "{{bill}}"}}, {op: "getPayment", path: id("payment")}, {op: "replacePayment", path: id("payment")},
		{op: "updatePayment", path: id("payment")}, {op: "getReceipt", path: id("payment")}, {op: "refundPayment", path: id("payment")},
		{op: "createPayment", title: "Take another payment", body: body{"bill": number("bill"), "amount": "10.00"}, save: saved("mistake")},
		{op: "deletePayment", path: id("mistake")},
		{op: "createBill", title: "Create another bill", body: body{"patient": number("patient"), "encounter": nil, "due_date": "{{day}}", "items": []body{}}, save: saved("mistake")},
		{op: "deleteBill", path: id("mistake")},
		{op: "createServiceItem", title: "Add another service", body: body{"code": "UNUSED-{{run}}"}, save: saved("mistake")},
		{op: "deleteServiceItem", path: id("mistake")},
	}},
	{"Afterwards", []step{
		{op: "getPatientTimeline", path: id("patient")},
		{op: "createEncounter", title: "Write another encounter", body: body{"patient": number("patient"), "doctor": number("member_id"), "appointment": nil}, save: saved("mistake")},
		{op: "deleteEncounter", path: id("mistake")}, {op: "deleteAppointment", path: id("appointment")},
	}},
	{"Dashboard and reports", []step{
		{op: "getDashboard"}, {op: "getDashboardStats"}, {op: "reportPatientCount"}, {op: "reportAppointmentsToday"}, {op: "reportAppointmentsByDoctor"},
		{op: "reportTopMedications"}, {op: "reportBilling"}, {op: "reportRevenue"},
		{op: "createReportFile", save: saved("file")}, {op: "listReportFiles"},
		{op: "getReportFile", path: id("file"), after: untilReady}, {op: "downloadReportFile", path: id("file")},
	}},
	{"Offline sync", []step{
		{op: "syncOfflineData", body: body{"device_id": "tablet-{{run}}", "operations": "#{{operations}}"}, before: recorded(2), status: 200},
		{op: "syncOfflineData", title: "Carry out more than can be waited for", body: body{"device_id": "tablet-{{run}}", "operations": "#{{operations}}"},
			before: recorded(201), status: 202, save: vars{"batch": "answer.batch"}},
		{op: "getSyncBatch", path: vars{"batch": "{{batch}}"}},
	}},
	{"Notifications", []step{
		{op: "listNotifications", as: "doctor", save: vars{"notification": "answer.results[0].id"}}, {op: "countUnreadNotifications", as: "doctor"},
		{op: "getNotification", as: "doctor", path: id("notification")}, {op: "markNotificationRead", as: "doctor", path: id("notification")},
		{op: "markAllNotificationsRead", as: "doctor"}, {op: "deleteNotification", as: "doctor", path: id("notification")},
	}},
	{"Settings", []step{
		{op: "createSystemSetting", body: body{"key": "ward_{{run}}"}, save: saved("setting")}, {op: "listSystemSettings"},
		{op: "getSystemSetting", path: id("setting")}, {op: "replaceSystemSetting", path: id("setting"), body: body{"key": "ward_{{run}}"}},
		{op: "updateSystemSetting", path: id("setting")}, {op: "deleteSystemSetting", path: id("setting")},
	}},
	{"Audit", []step{
		{op: "listLoginActivity", save: vars{"attempt": "answer.results[0].id"}}, {op: "getLoginActivity", path: id("attempt")},
		{op: "listAuditLogs", save: vars{"row": "answer.results[0].id"}}, {op: "getAuditLog", path: id("row")}, {op: "verifyAuditLog"},
		{op: "createJobsTicket"},
	}},
}

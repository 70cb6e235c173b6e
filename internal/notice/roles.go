package notice

import "fmt"

// RoleRequested says, to those who decide, that somebody asks for a role.
func RoleRequested(who, role string) Notice {
	return Notice{
		Type: "role_request",
		En:   Text{"Role request", fmt.Sprintf("%s asks for the role %s.", who, role)},
		Fr:   Text{"Demande de rôle", fmt.Sprintf("%s demande le rôle %s.", who, role)},
		Sw:   Text{"Ombi la jukumu", fmt.Sprintf("%s anaomba jukumu la %s.", who, role)},
	}
}

// RoleApproved says, to who asked, that the role is theirs. notes may be empty.
func RoleApproved(role, notes string) Notice {
	return Notice{
		Type: "role_decision",
		En:   Text{"Role request approved", noted(fmt.Sprintf("You now have the role %s.", role), notes)},
		Fr:   Text{"Demande de rôle acceptée", noted(fmt.Sprintf("Vous avez maintenant le rôle %s.", role), notes)},
		Sw:   Text{"Ombi la jukumu limekubaliwa", noted(fmt.Sprintf("Sasa una jukumu la %s.", role), notes)},
	}
}

// RoleRejected says, to who asked, that the role is not to be theirs. notes may be empty.
func RoleRejected(role, notes string) Notice {
	return Notice{
		Type: "role_decision",
		En:   Text{"Role request rejected", noted(fmt.Sprintf("Your request for the role %s was rejected.", role), notes)},
		Fr:   Text{"Demande de rôle refusée", noted(fmt.Sprintf("Votre demande du rôle %s a été refusée.", role), notes)},
		Sw:   Text{"Ombi la jukumu limekataliwa", noted(fmt.Sprintf("Ombi lako la jukumu la %s limekataliwa.", role), notes)},
	}
}

// RoleAssigned says, to a user, that an Admin gave them a role.
func RoleAssigned(role string) Notice {
	return Notice{
		Type: "role_decision",
		En:   Text{"New role", fmt.Sprintf("You now have the role %s.", role)},
		Fr:   Text{"Nouveau rôle", fmt.Sprintf("Vous avez maintenant le rôle %s.", role)},
		Sw:   Text{"Jukumu jipya", fmt.Sprintf("Sasa una jukumu la %s.", role)},
	}
}

// noted adds what the Admin wrote, in whatever language that is.
func noted(message, notes string) string {
	if notes == "" {
		return message
	}
	return message + "\n" + notes
}

package notice

import (
	"fmt"
	"time"

	"chelal/internal/scheduling"
)

// Appointment is what a notification says of an appointment. Date and Time are the
// hospital's wall clock.
type Appointment struct {
	Patient, Doctor string
	Date            time.Time
	Time            scheduling.Clock
	Minutes         int32
}

// Booked says that there is an appointment.
func Booked(a Appointment) Notice {
	return Notice{
		Type: "appointment_booked",
		En: Text{"Appointment booked",
			fmt.Sprintf("%s has an appointment with %s on %s at %s (%d min).", a.Patient, a.Doctor, a.dateEn(), a.clock(), a.Minutes)},
		Fr: Text{"Rendez-vous fixé",
			fmt.Sprintf("%s a rendez-vous avec %s le %s à %s (%d min).", a.Patient, a.Doctor, a.dateFr(), a.clock(), a.Minutes)},
		Sw: Text{"Miadi imewekwa",
			fmt.Sprintf("%s ana miadi na %s tarehe %s, %s (dakika %d).", a.Patient, a.Doctor, a.dateSw(), a.clock(), a.Minutes)},
	}
}

// Rescheduled says when an appointment is to take place now.
func Rescheduled(a Appointment) Notice {
	return Notice{
		Type: "appointment_rescheduled",
		En: Text{"Appointment rescheduled",
			fmt.Sprintf("The appointment of %s with %s has changed. It is now on %s at %s (%d min).",
				a.Patient, a.Doctor, a.dateEn(), a.clock(), a.Minutes)},
		Fr: Text{"Rendez-vous déplacé",
			fmt.Sprintf("Le rendez-vous entre %s et %s a changé. Il a maintenant lieu le %s à %s (%d min).",
				a.Patient, a.Doctor, a.dateFr(), a.clock(), a.Minutes)},
		Sw: Text{"Miadi imebadilishwa",
			fmt.Sprintf("Miadi ya %s na %s imebadilishwa. Sasa ni tarehe %s, %s (dakika %d).",
				a.Patient, a.Doctor, a.dateSw(), a.clock(), a.Minutes)},
	}
}

// Cancelled says that an appointment does not take place.
func Cancelled(a Appointment) Notice {
	return Notice{
		Type: "appointment_cancelled",
		En: Text{"Appointment cancelled",
			fmt.Sprintf("The appointment of %s with %s on %s at %s has been cancelled.", a.Patient, a.Doctor, a.dateEn(), a.clock())},
		Fr: Text{"Rendez-vous annulé",
			fmt.Sprintf("Le rendez-vous entre %s et %s, prévu le %s à %s, est annulé.", a.Patient, a.Doctor, a.dateFr(), a.clock())},
		Sw: Text{"Miadi imeghairiwa",
			fmt.Sprintf("Miadi ya %s na %s ya tarehe %s, %s, imeghairiwa.", a.Patient, a.Doctor, a.dateSw(), a.clock())},
	}
}

// Reminder says that an appointment is near.
func Reminder(a Appointment) Notice {
	return Notice{
		Type: "appointment_reminder",
		En: Text{"Appointment reminder",
			fmt.Sprintf("%s has an appointment with %s on %s at %s (%d min).", a.Patient, a.Doctor, a.dateEn(), a.clock(), a.Minutes)},
		Fr: Text{"Rappel de rendez-vous",
			fmt.Sprintf("%s a rendez-vous avec %s le %s à %s (%d min).", a.Patient, a.Doctor, a.dateFr(), a.clock(), a.Minutes)},
		Sw: Text{"Kumbusho la miadi",
			fmt.Sprintf("%s ana miadi na %s tarehe %s, %s (dakika %d).", a.Patient, a.Doctor, a.dateSw(), a.clock(), a.Minutes)},
	}
}

var (
	monthsFr = [...]string{"janvier", "février", "mars", "avril", "mai", "juin",
		"juillet", "août", "septembre", "octobre", "novembre", "décembre"}
	monthsSw = [...]string{"Januari", "Februari", "Machi", "Aprili", "Mei", "Juni",
		"Julai", "Agosti", "Septemba", "Oktoba", "Novemba", "Desemba"}
)

func (a Appointment) dateEn() string { return a.Date.Format("2 January 2006") }

func (a Appointment) dateFr() string {
	year, month, day := a.Date.Date()
	if day == 1 {
		return fmt.Sprintf("1er %s %d", monthsFr[month-1], year)
	}
	return fmt.Sprintf("%d %s %d", day, monthsFr[month-1], year)
}

func (a Appointment) dateSw() string {
	year, month, day := a.Date.Date()
	return fmt.Sprintf("%d %s %d", day, monthsSw[month-1], year)
}

// clock leaves out the seconds. In Swahili no "saa" stands before it, which counts the
// hours from six o'clock.
func (a Appointment) clock() string { return a.Time.String()[:len("15:04")] }

// Package notice words what users are told of, in the languages that they may prefer.
package notice

import (
	"fmt"
	"strings"
	"time"
)

// Text is a notification in one language.
type Text struct{ Title, Message string }

// Notice is a notification in every language.
type Notice struct {
	Type       string
	En, Fr, Sw Text
}

// In returns the text in a language, in English when there is none in it.
func (n Notice) In(language string) Text {
	switch language {
	case "fr":
		return n.Fr
	case "sw":
		return n.Sw
	default:
		return n.En
	}
}

// ReportReady says that a report file can be downloaded.
func ReportReady(title, format string, from, to time.Time) Notice {
	format, first, last := strings.ToUpper(format), from.Format(time.DateOnly), to.Format(time.DateOnly)
	return Notice{
		Type: "report_ready",
		En:   Text{"Report ready", fmt.Sprintf("%s, %s to %s (%s) can be downloaded.", title, first, last, format)},
		Fr:   Text{"Rapport prêt", fmt.Sprintf("%s, du %s au %s (%s) : le fichier peut être téléchargé.", title, first, last, format)},
		Sw:   Text{"Ripoti iko tayari", fmt.Sprintf("%s, %s hadi %s (%s): faili linaweza kupakuliwa.", title, first, last, format)},
	}
}

// LowStock says that a medication is at or below its reorder level.
func LowStock(name string, stock, reorderLevel int32) Notice {
	return Notice{
		Type: "low_stock",
		En: Text{"Low stock: " + name,
			fmt.Sprintf("%s is down to %d; its reorder level is %d.", name, stock, reorderLevel)},
		Fr: Text{"Stock bas : " + name,
			fmt.Sprintf("Il reste %d de %s ; le seuil de commande est %d.", stock, name, reorderLevel)},
		Sw: Text{"Akiba ndogo: " + name,
			fmt.Sprintf("Imebaki %d ya %s; kiwango cha kuagiza ni %d.", stock, name, reorderLevel)},
	}
}

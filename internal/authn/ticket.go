package authn

const ticketPrefix = "cht_"

// NewTicket returns a ticket, which only the client keeps, and its hash, which is all
// that is stored.
func NewTicket() (ticket string, hash []byte) { return newSecret(ticketPrefix) }

// HashTicket returns the form in which a ticket is stored and looked up.
func HashTicket(ticket string) []byte { return hashSecret(ticket) }

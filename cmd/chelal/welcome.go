package main

import (
	"fmt"
	"net"
	"net/netip"
	"text/tabwriter"
)

// baseURL is where a browser on this machine reaches an address that is listened on.
func baseURL(addr net.Addr) string {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if at.Addr().IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", at.Port())
	}
	return "http://" + at.String()
}

// welcome tells a newcomer where everything is.
func (d *dev) welcome(addr net.Addr) {
	base := baseURL(addr)
	w := tabwriter.NewWriter(d.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "\nCHELAL is running.\n\n")
	fmt.Fprintf(w, "  Try the API\t%s/docs/\n", base)
	fmt.Fprintf(w, "  API\t%s/api/\n", base)
	fmt.Fprintf(w, "  Contract\t%s/openapi.yaml\n", base)
	fmt.Fprintf(w, "  Health\t%s/api/health/\n", base)
	fmt.Fprintf(w, "  Database\t%s\t(chelal dev --reset starts anew)\n", d.data)
	_ = w.Flush()
	fmt.Fprintf(w, "\n  USERNAME\tPASSWORD\tROLE\n")
	for _, a := range demoAccounts {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", a.username, demoPassword, a.role)
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprintf(w, "\nOther machines can reach this address, and everybody knows these passwords.\n")
	}
	fmt.Fprintf(w, "\nCtrl-C stops it.\n\n")
	_ = w.Flush() // a terminal that is gone ends the program by itself
}

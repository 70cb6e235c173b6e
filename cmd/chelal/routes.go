package main

import (
	"cmp"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/spf13/cobra"

	contract "chelal/api"
)

func (p *program) routesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "routes",
		Short: "List the API's operations, and who may call each",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			routes, err := readRoutes()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "METHOD\tPATH\tPERMISSION\tSUMMARY")
			for _, r := range routes {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.method, r.path, r.permission, r.summary)
			}
			return w.Flush()
		},
	}
}

type route struct{ method, path, permission, summary string }

// readRoutes reads the contract that the server enforces, sorted by path.
func readRoutes() ([]route, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contract.YAML)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	var routes []route
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			permission, _ := op.Extensions["x-permission"].(string)
			routes = append(routes, route{method, path, permission, op.Summary})
		}
	}
	slices.SortFunc(routes, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return routes, nil
}

package cli

import (
	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api"
)

func newAPI() *cobra.Command {
	c := &cobra.Command{Use: "api", Short: "describe the admin API"}
	c.AddCommand(&cobra.Command{
		Use:   "openapi",
		Short: "print the OpenAPI 3.1 description of the admin API",
		Long: `Prints the OpenAPI 3.1 description of the admin API as JSON, as a daemon of this version serves it at /openapi.json. It
needs no daemon. x-role is the role that an operation needs; x-audit has the events by which the audit records it.`,
		Example: "  ringback api openapi >ringback.openapi.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := api.OpenAPI()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	})
	return c
}

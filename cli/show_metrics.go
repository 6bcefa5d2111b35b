package cli

import "github.com/spf13/cobra"

func newShowMetrics() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "metrics",
		Short: "show the metrics in the text format of Prometheus",
		Long: `Shows the metrics of the daemon in the text format of Prometheus, also if metrics.listen is not set. The reference of
metrics (docs/reference/metrics.md) lists them; docs/how-to/monitoring.md says how Prometheus reads them.

  ringback show metrics
  ringback show metrics | promtool check metrics
  ringback show metrics | grep ^ringback_lines`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			return cl.Metrics(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f.add(c)
	return c
}

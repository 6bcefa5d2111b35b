package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/lab"
)

func newLabSMS() *cobra.Command {
	var line int
	var from string
	c := &cobra.Command{
		Use:   "sms --line N [--from NUMBER] TEXT",
		Short: "send an SMS to a line with a cellular modem in the running lab",
		Long: `Sends an SMS to a line of the running lab whose modem is a cellular one (--modems). The lab's users austin-01 and
austin-02 sign their texts with the file trigger.key in the lab's directory.`,
		Example: "  ringback lab sms --line 80 \"$(ringback trigger sign --user austin-01 --key-file trigger.key)\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			town, err := lab.Find()
			if err != nil {
				return err
			}
			if err := lab.SendSMS(cmd.Context(), town, line, from, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "the network has the SMS for tty %d; see ringback debug callback modem\n",
				line)
			return nil
		},
	}
	c.Flags().IntVar(&line, "line", 0, "the tty of the line")
	c.Flags().StringVar(&from, "from", "84001", "the sender: a number, or a name of at most 11 letters")
	return c
}

func newLabRing() *cobra.Command {
	var line int
	var from string
	var d time.Duration
	c := &cobra.Command{
		Use:   "ring --line N [--from NUMBER] [--for TIME]",
		Short: "let a telephone ring at a line of the running lab, and hang up",
		Long: `Calls a line of the running lab from a telephone and hangs up after the time of --for: a missed call, unless the line
answers. In the lab, a missed call from 84003 to a line with a cellular modem has kihei-03 called back.`,
		Example: "  ringback lab ring --line 80 --from 84003 --for 10s",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d <= 0 || d > time.Hour {
				return misused("--for %v: write a time such as 10s", d)
			}
			town, err := lab.Find()
			if err != nil {
				return err
			}
			if err := lab.RingLine(cmd.Context(), town, line, from, d); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s has hung up after %v\n", from, d)
			return nil
		},
	}
	c.Flags().IntVar(&line, "line", 0, "the tty of the line")
	c.Flags().StringVar(&from, "from", "84003", "the number of the telephone")
	c.Flags().DurationVar(&d, "for", 10*time.Second, "how long it rings")
	return c
}

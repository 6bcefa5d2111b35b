package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/triggers"
)

func newTrigger() *cobra.Command {
	c := &cobra.Command{
		Use:   "trigger",
		Short: "sign texts that request a callback by SMS",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(newTriggerSign())
	return c
}

// signedText is the output of trigger sign as data.
type signedText struct {
	Text   string    `json:"text"`
	User   string    `json:"user"`
	Number string    `json:"number,omitempty"`
	Time   time.Time `json:"time"`
}

func newTriggerSign() *cobra.Command {
	var output, user, number, keyFile, at string
	c := &cobra.Command{
		Use:   "sign --user USER --key-file FILE [--number NUMBER]",
		Short: "print the text of an SMS that requests a user's callback",
		Long: `Prints the text that a user sends as an SMS to a line with a cellular modem, to be called back:

  RB1 USER TIME [NUMBER] SIGNATURE

TIME is in seconds since 1970. SIGNATURE is HMAC-SHA-256 with the key over all that is before it, the first ten octets in
base32. Each text counts once, and only within triggers.window of its time. A NUMBER counts only if AAA and the policy let
the user choose one. It asks no daemon: the command also runs on the user's own computer.`,
		Example: "  ringback trigger sign --user austin-01 --key-file austin-01.key\n" +
			"  ringback trigger sign --user austin-02 --key-file austin-02.key --number +12025551234",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user == "" || keyFile == "" {
				return misused("--user and --key-file are needed")
			}
			when := time.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return misused("--at %q: write a time such as 2026-11-30T08:00:00Z", at)
				}
			}
			key, err := readSecretFile(cmd.Context(), keyFile)
			if err != nil {
				return err
			}
			when = when.Truncate(time.Second)
			text, err := triggers.Sign(triggers.Request{User: user, At: when, Number: number}, key)
			if err != nil {
				return err
			}
			f := daemonFlags{output: output}
			v := signedText{Text: text, User: user, Number: number, Time: when.UTC()}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	}
	c.Flags().StringVar(&user, "user", "", "the user who is to be called back, as AAA names them")
	c.Flags().StringVar(&keyFile, "key-file", "", "file that contains only the user's key (triggers.keys)")
	c.Flags().StringVar(&number, "number", "", "the number to call, if the user may choose it (default: AAA's)")
	c.Flags().StringVar(&at, "at", "", "the time of the text, as in 2026-11-30T08:00:00Z (default: now)")
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

package exec

import (
	"context"
	"errors"
	"io"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
)

const (
	textPPP    = "Entering PPP mode.\n" // as IOS
	reasonSLIP = "SLIP is not supported: it cannot authenticate the user (use ppp)"
)

// Why PPP is not started.
var (
	errNoPPP    = errors.New("PPP is not available on this line")
	errSevenBit = errors.New("PPP needs 8 data bits and no parity: set the terminal and the modem to that")
	errSLIP     = errors.New(reasonSLIP)
)

// pppNodes are the commands of IOS that change to framed packets. PPP negotiates the caller's address: it takes none.
func (x *exec) pppNodes() []console.Node {
	slip := func(context.Context, console.Args, io.Writer) error { return errSLIP }
	return []console.Node{
		{Word: "ppp", Help: "Start the Point-to-Point Protocol (PPP)", Hidden: x.ppp == nil, Run: x.startPPP,
			Next: []console.Node{
				{Word: "default", Help: "Negotiate the address", Run: x.startPPP},
				{Word: "/default", Hidden: true, Run: x.startPPP},
				{Word: "negotiate", Hidden: true, Run: x.startPPP},
			}},
		{Word: "slip", Hidden: true, Run: slip,
			Next: []console.Node{{Word: "address", Kind: console.Rest, Run: slip}}},
	}
}

// startPPP hands the call over to PPP, which authenticates the user again and asks the policy.
func (x *exec) startPPP(_ context.Context, _ console.Args, w io.Writer) error {
	err := errNoPPP
	switch {
	case x.ppp == nil:
	case x.term.Parity.SevenBits():
		err = errSevenBit
	default:
		if _, err := io.WriteString(w, textPPP); err != nil {
			return err
		}
		x.HandOver(x.ppp)
		return console.ErrExit
	}
	if x.auto {
		x.joined = &session.Ending{Cause: aaa.CauseServiceUnavailable, Reason: err.Error()}
	}
	return err
}

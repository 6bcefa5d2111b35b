package chat_test

import (
	"errors"
	"fmt"

	"github.com/ringback/ringback/chat"
)

// A script as in Cisco's document 5732, and the error for an invalid one.
func ExampleParse() {
	s, err := chat.Parse("callback", `ABORT BUSY ABORT "NO ANSWER" "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s)
	fmt.Println("dials:", s.UsesDialstring())

	_, err = chat.Parse("callback", `"" "ATDT \T" TIMEOUT soon CONNECT \c`)
	var syntax *chat.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println(err)
	}
	// Output:
	// ABORT BUSY ABORT "NO ANSWER" "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c
	// dials: true
	// chat script callback: soon at offset 21: TIMEOUT requires whole seconds (1 to 3600)
}

package modem
import ("testing";"github.com/ringback/ringback/lines")
func TestDbg(t *testing.T){
	d := New(Options{})
	f := newFake(false)
	d.port = &fakePort{f:f}
	c := d.newConn(event{code: lines.Connected}, true)
	for _, x := range "\nlogin: "+noCarrier { c.feed([]byte{byte(x)}); t.Log(string(x), c.held) }
	t.Fail()
}

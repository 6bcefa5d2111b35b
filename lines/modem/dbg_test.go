package modem
import ("testing";"time";"io";"github.com/ringback/ringback/lines")
func TestDbg(t *testing.T){
	f := newFake(false)
	f.gap, f.train = time.Millisecond, 9*time.Second
	f.dials = func(n string) string { return "CONNECT 9600" }
	onBench(t, f, func(b *bench) {
		l := b.lease()
		c, _, _ := l.Dial(b.t.Context(), dialScript("5551234"))
		go f.say("login: ")
		buf := make([]byte, 7)
		io.ReadFull(c, buf)
		f.carrierGone()
		b.pass(5*time.Second)
		cc := c.Data.(*conn); t.Errorf("held %d %v conn %v patience %v ended %v silence %v log %v", cc.held, cc.carrier, b.drv.conn==cc, cc.patience(), cc.ended, b.drv.t.Silence, b.log)
		l.Release()
		b.until(lines.Idle)
	})
}

package web

import (
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/a-h/templ"
	"go.uber.org/zap"

	"github.com/ringback/ringback/httpd"
	"github.com/ringback/ringback/texts"
)

const (
	maxForm  = 16 << 10         // size of the largest form that is read, in octets
	formTime = 10 * time.Second // within which it must arrive
)

// policy is the Content-Security-Policy: nothing from elsewhere, no script or style in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler: it rejects requests for another site and those that other sites cause.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.survive(r)
	r = r.WithContext(withReader(r.Context(), s.printer(r)))
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if s.config.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if !s.config.Host(httpd.HostOf(r.Host)) {
		http.Error(w, say(r.Context(), texts.PageForeignName), http.StatusMisdirectedRequest)
		return
	}
	if text := foreign(r); text != "" {
		http.Error(w, say(r.Context(), text), http.StatusForbidden)
		return
	}
	most := int64(maxForm)
	if r.URL.Path == uploadPath {
		most = maxUpload
	}
	if r.ContentLength > most {
		s.tooLarge(w, r, most)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if r.ContentLength != 0 {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(s.formTime)) // not supported by the recorders of tests
	}
	s.mux.ServeHTTP(w, r)
}

// maxDrained is how much of a form that is too large is read, in octets: browsers show an answer only after they have
// sent the form.
const maxDrained = 32 << 20

// tooLarge rejects a form. That of an operator is read first, so that the browser shows why.
func (s *Server) tooLarge(w http.ResponseWriter, r *http.Request, most int64) {
	text := say(r.Context(), texts.PageTooLargeText, size(float64(r.ContentLength)), size(float64(most)))
	in := s.sessionOf(w, r)
	if in == nil || r.ContentLength > maxDrained {
		w.Header().Set("Connection", "close")
		http.Error(w, text, http.StatusRequestEntityTooLarge)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.formTime)) // as in ServeHTTP
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxDrained))
	v := &visit{session: in, theme: themeOf(r), path: r.URL.Path}
	s.render(w, r, http.StatusRequestEntityTooLarge, errorPage(v, say(r.Context(), texts.PageTooLarge),
		problem{text: text}))
}

// formRead ends the time limit of a form that has been read: what is done with it may take longer.
func formRead(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // not supported by the recorders of tests
}

// survive ends a request that panics, and keeps the daemon.
func (s *Server) survive(r *http.Request) {
	p := recover()
	if p == nil || p == http.ErrAbortHandler {
		if p != nil {
			panic(p)
		}
		return
	}
	s.config.Log.Error("panic in the page", zap.Any("panic", p), zap.String("path", r.URL.Path),
		zap.ByteString("stack", debug.Stack()))
	panic(http.ErrAbortHandler) // the client must not take half a page for the whole
}

// foreign says why a request is rejected that another site has caused. A person may follow a link to a page, whose
// cookie is not sent then; everything else must come from this site.
func foreign(r *http.Request) texts.Key {
	const text = texts.PageForeignSite
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	link := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.URL.Path != "/stream"
	if site != "" && site != "same-origin" && site != "none" && !link {
		return text
	}
	if origin != "" && !httpd.SameOrigin(origin, r.Host) {
		return text
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && site == "" && origin == "" {
		return texts.PageForeignUnknown
	}
	return ""
}

// posted serves a form that has the token of its session.
func (s *Server) posted(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visit) error {
		proven := v.proven(r.PostFormValue("csrf"))
		formRead(w)
		if !proven {
			s.render(w, r, http.StatusForbidden, errorPage(v, statusText(r.Context(), http.StatusForbidden),
				problem{text: say(r.Context(), texts.PageForeignForm)}))
			return nil
		}
		return h(w, r, v)
	}
}

// render writes a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := page.Render(r.Context(), w); err != nil {
		s.config.Log.Debug("the page was not sent", zap.String("path", r.URL.Path), zap.Error(err))
	}
}

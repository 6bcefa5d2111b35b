package web

import (
	"crypto/sha256"
	"errors"
	"net/http"

	"github.com/a-h/templ"
	"go.uber.org/zap"

	"github.com/ringback/ringback/texts"
)

// loginPage shows the form, or logs the holder of a link in.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	var problem templ.Component
	status := http.StatusOK
	if key := r.URL.Query().Get("token"); key != "" {
		if o, ok := s.sessions.follow(key); ok {
			s.enter(w, r, o)
			return
		}
		problem, status = rich(texts.PageLinkUsed), http.StatusForbidden
	}
	s.render(w, r, status, loginPage(s.loginView(r, "", problem)))
}

type loginView struct {
	theme, user string
	problem     templ.Component // nil: none
	password    bool            // can log in by password
	certificate bool            // by certificate
}

func (s *Server) loginView(r *http.Request, user string, problem templ.Component) loginView {
	return loginView{theme: themeOf(r), user: user, problem: problem, password: s.config.Login != nil,
		certificate: s.config.Certificate != nil}
}

// login asks AAA about a name and a password.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, password := r.PostFormValue("user"), r.PostFormValue("password")
	formRead(w)
	reject := func(status int, k texts.Key, args ...any) {
		s.render(w, r, status, loginPage(s.loginView(r, user, rich(k, args...))))
	}
	if s.config.Login == nil {
		reject(http.StatusForbidden, texts.PageNoPasswordLogin)
		return
	}
	if user == "" || password == "" {
		reject(http.StatusUnprocessableEntity, texts.PageEnterBoth)
		return
	}
	select {
	case s.logins <- struct{}{}:
		defer func() { <-s.logins }()
	default:
		w.Header().Set("Retry-After", "5")
		reject(http.StatusServiceUnavailable, texts.PageTooManyLogins)
		return
	}
	o, err := s.config.Login(r.Context(), user, password, r.RemoteAddr)
	var refused Refused
	switch {
	case errors.As(err, &refused):
		reject(http.StatusForbidden, texts.Key(refused))
	case err != nil:
		s.config.Log.Warn("login at the page", zap.Error(err))
		reject(http.StatusBadGateway, texts.PageLoginFailed, english(err.Error()))
	default:
		s.enter(w, r, o)
	}
}

// enter begins a session; an earlier one of this browser ends.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, o Operator) {
	if c, err := r.Cookie(s.cookieName()); err == nil {
		s.sessions.end(c.Value)
	}
	cookie, _ := s.sessions.begin(o, [sha256.Size]byte{})
	s.setCookie(w, cookie)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if c, err := r.Cookie(s.cookieName()); err == nil {
		s.sessions.end(c.Value)
	}
	s.setCookie(w, "")
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// themes are the values of the switch of colors; auto is that of the system.
var themes = []string{"auto", "light", "dark"}

var themeNames = map[string]texts.Key{"auto": texts.PageThemeAuto, "light": texts.PageThemeLight,
	"dark": texts.PageThemeDark}

func themeOf(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return themes[0]
}

// theme switches the colors, and returns to the page of the switch.
func (s *Server) theme(w http.ResponseWriter, r *http.Request, _ *visit) error {
	value := r.PostFormValue("theme")
	if value != "light" && value != "dark" {
		value = themes[0]
	}
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: value, Path: "/", HttpOnly: true, Secure: s.config.Secure,
		SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600})
	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther)
	return nil
}

// localPath returns a path of this site; "/" for everything else.
func localPath(p string) string {
	if len(p) < 2 || p[0] != '/' || p[1] == '/' || p[1] == '\\' {
		return "/"
	}
	for _, c := range p {
		if c < ' ' || c == '\\' {
			return "/"
		}
	}
	return p
}

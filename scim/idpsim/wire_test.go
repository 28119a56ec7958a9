package idpsim

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTrip answers without a network, so that time can be synctest's.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// says answers as a server would.
func says(status int, body string, header ...string) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/scim+json")
	for i := 0; i < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
	return w.Result()
}

const (
	emptyList = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}`
	busy      = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"429","detail":"slow down"}`
)

func TestBothWaitAsLongAsTheServerSays(t *testing.T) {
	for _, tt := range []struct {
		name, after string
		status      int
		wait        time.Duration
	}{
		{"seconds", "30", 429, 30 * time.Second},
		{"unavailable", "5", 503, 5 * time.Second},
		{"date", "Sat, 01 Jan 2000 00:02:00 GMT", 429, 2 * time.Minute}, // synctest's clock begins at midnight of that day
	} {
		for _, idp := range []string{"Okta", "Entra ID"} {
			t.Run(tt.name+"/"+idp, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					begin, tries := time.Now(), 0
					client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
						if tries++; tries == 1 {
							return says(tt.status, busy, "Retry-After", tt.after), nil
						}
						return says(200, emptyList), nil
					})}
					if err := newIdP(idp, "http://scim.example/scim/v2", client).TestConnection(t.Context()); err != nil {
						t.Fatal(err)
					}
					if got := time.Since(begin); got != tt.wait {
						t.Errorf("waited %v, the server said %v", got, tt.wait)
					}
				})
			})
		}
	}
}

func newIdP(name, base string, client *http.Client) IdP {
	if name == "Okta" {
		return &Okta{BaseURL: base, Token: secret, Client: client}
	}
	return &Entra{BaseURL: base, Token: secret, Client: client}
}

func TestA429StopsTheWholeEntraJobButOnlyOneOktaRequest(t *testing.T) {
	for _, tt := range []struct {
		idp  string
		wait time.Duration
	}{{"Okta", 0}, {"Entra ID", time.Minute}} {
		t.Run(tt.idp, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refused := false
				client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.Method == "DELETE" && !refused {
						refused = true
						return says(429, busy, "Retry-After", "60"), nil
					}
					return says(204, ""), nil
				})}
				idp := newIdP(tt.idp, "http://scim.example", client)
				done := make(chan error, 1)
				go func() { done <- idp.DeleteGroup(t.Context(), "g1") }()
				synctest.Wait() // the DELETE has been told to come back
				begin := time.Now()
				if err := idp.Deactivate(t.Context(), "u1"); err != nil {
					t.Error(err)
				}
				if got := time.Since(begin); got != tt.wait {
					t.Errorf("another request waited %v, expected %v", got, tt.wait)
				}
				if err := <-done; err != nil {
					t.Errorf("the refused request was not sent again: %v", err)
				}
			})
		})
	}
}

func TestA429WithoutRetryAfterIsAFailure(t *testing.T) {
	tries := 0
	client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		tries++
		return says(429, busy), nil
	})}
	err := newIdP("Entra ID", "http://scim.example", client).Deactivate(t.Context(), "u1")
	var e *Error
	if !errors.As(err, &e) || e.Status != 429 || e.Detail != "slow down" || !strings.Contains(e.Seen, "next cycle") {
		t.Errorf("error is %v", err)
	}
	if tries != 1 {
		t.Errorf("sent %d times, expected once", tries)
	}
}

func TestAServerThatAlwaysSaysLaterIsGivenUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			tries++
			return says(503, busy, "Retry-After", "1"), nil
		})}
		err := newIdP("Okta", "http://scim.example", client).TestConnection(t.Context())
		var e *Error
		if !errors.As(err, &e) || e.Status != 503 || tries != maxTries {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})
}

func TestAWaitBeyondTheDeadlineIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return says(429, busy, "Retry-After", "3600"), nil
		})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := newIdP("Entra ID", "http://scim.example", client).TestConnection(ctx)
		var e *Error
		if !errors.As(err, &e) || e.Status != 429 || time.Since(begin) != 0 {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

func TestOktaGivesUpAfterSixtySecondsWithoutAByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		begin := time.Now()
		err := newIdP("Okta", "http://scim.example", client).TestConnection(t.Context())
		if !errors.Is(err, errSilent) || time.Since(begin) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

// drip sends one byte each 50 seconds.
type drip struct{ left string }

func (d *drip) Read(p []byte) (int, error) {
	if d.left == "" {
		return 0, io.EOF
	}
	time.Sleep(50 * time.Second)
	p[0], d.left = d.left[0], d.left[1:]
	return 1, nil
}

func (d *drip) Close() error { return nil }

func TestASlowAnswerIsReadAsLongAsItMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			resp := says(200, "")
			resp.Body = &drip{emptyList}
			return resp, nil
		})}
		if err := newIdP("Entra ID", "http://scim.example", client).TestConnection(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOktaReadsACompressedAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, encoding string
		pack           func(io.Writer) io.WriteCloser
	}{
		{"gzip", "gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
		{"deflate as RFC 9110 has it", "deflate", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }},
		{"deflate as old servers have it", "deflate", func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z }},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/scim+json")
			w.Header().Set("Content-Encoding", tt.encoding)
			z := tt.pack(w)
			io.WriteString(z, emptyList)
			z.Close()
		}))
		if err := newIdP("Okta", h.URL, nil).TestConnection(t.Context()); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		h.Close()
	}
}

func TestAnErrorNeverCarriesTheToken(t *testing.T) {
	_, base := newServer(t)
	for _, idp := range []IdP{&Okta{BaseURL: base, Token: "wrong-token"}, &Entra{BaseURL: base, Token: "wrong-token"}} {
		err := idp.TestConnection(t.Context())
		var e *Error
		if !errors.As(err, &e) || e.Status != 401 {
			t.Fatalf("%s: %v", idp.Name(), err)
		}
		if strings.Contains(err.Error(), "wrong-token") {
			t.Errorf("%s: the error prints the token: %v", idp.Name(), err)
		}
		if !strings.Contains(err.Error(), "token not known") || !strings.Contains(strings.ToLower(err.Error()), "token") {
			t.Errorf("%s: %v does not say what is wrong", idp.Name(), err)
		}
	}
}

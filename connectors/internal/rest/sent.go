package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// sending watches whether a request may have left this machine.
type sending struct {
	asked, connected atomic.Bool
}

func watchSending(ctx context.Context) (context.Context, *sending) {
	s := new(sending)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.connected.Store(true) },
	}), s
}

// maybe says whether the request may have been sent. Only two things prove
// that it was not: a connection was asked for and never had, or the error is
// one of making the connection.
func (s *sending) maybe(err error) bool {
	if s.connected.Load() {
		return true
	}
	if s.asked.Load() {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	return !ok
}

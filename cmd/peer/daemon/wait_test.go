package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
)

func openHome(t *testing.T) *home.Home {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A holder that never answers is waited for, with a word to the user, and then given up with what to do.
func TestPatience(t *testing.T) {
	h := openHome(t)
	synctest.Test(t, func(t *testing.T) {
		var said []string
		w := newWait(h, func(e api.Event) { said = append(said, e.Message) })
		start, err := time.Now(), error(nil)
		for err == nil {
			err = w.pause(t.Context(), api.ErrNobody, 0)
		}
		if waited := time.Since(start); waited < patience || waited > patience+2*longestPause {
			t.Errorf("gave up after %v", waited)
		}
		if !errors.Is(err, api.ErrNobody) || !strings.Contains(err.Error(), "(fg), or end it") {
			t.Error(err)
		}
		if len(said) != 1 || !strings.Contains(said[0], "waiting for another process, which holds home") {
			t.Errorf("said %q", said)
		}
	})
}

// Each sign of life begins the patience anew.
func TestSignsOfLife(t *testing.T) {
	h := openHome(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWait(h, func(api.Event) {})
		start := time.Now()
		for received := 0; time.Since(start) < 5*patience; received++ {
			if err := w.pause(t.Context(), api.ErrLost, received/10); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWaitIsInterrupted(t *testing.T) {
	h := openHome(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("Ctrl-C")
		cancel(why)
		start := time.Now()
		if err := newWait(h, nil).pause(ctx, api.ErrNobody, 0); err != why || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

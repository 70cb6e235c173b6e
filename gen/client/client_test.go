package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"chelal/gen/client"
)

// watched sends requests and counts them by path. answer, where it is set, may answer in the
// server's place.
type watched struct {
	mu     sync.Mutex
	sent   []*http.Request
	answer func(r *http.Request, nth int) (*http.Response, error)
}

func (w *watched) Do(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.sent = append(w.sent, r)
	nth := len(w.sent)
	w.mu.Unlock()
	if w.answer != nil {
		if response, err := w.answer(r, nth); response != nil || err != nil {
			return response, err
		}
	}
	return http.DefaultClient.Do(r)
}

func (w *watched) to(path string) (found []*http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.sent {
		if r.URL.Path == path {
			found = append(found, r)
		}
	}
	return found
}

func signedIn(t *testing.T, username string, w *watched) *client.Session {
	t.Helper()
	session, err := client.Open(t.Context(), server, client.SignIn{Username: username, Password: "chelal-demo"}, client.Options{HTTP: w})
	require.NoError(t, err)
	return session
}

func jane(lastName string) client.PatientWrite {
	return client.PatientWrite{FirstName: "Jane", LastName: lastName, DateOfBirth: born(1990, time.January, 15), Gender: "F"}
}

func requireProblem(t *testing.T, err error, status int64, code string) *client.ProblemError {
	t.Helper()
	var problem *client.ProblemError
	require.ErrorAs(t, err, &problem)
	require.Equal(t, status, problem.Status)
	require.Equal(t, code, problem.Code)
	return problem
}

func TestTokensAreRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	w := &watched{}
	session := signedIn(t, "nurse", w)
	for round := 1; round <= 3; round++ {
		time.Sleep(1100 * time.Millisecond) // more than half of their life
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := session.GetCurrentUserWithResponse(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Len(t, w.to("/api/auth/refresh/"), round)
	}
}

// TestARefusedTokenIsRenewed has the server refuse every token of the first pair.
func TestARefusedTokenIsRenewed(t *testing.T) {
	t.Parallel()
	var first atomic.Pointer[string]
	w := &watched{answer: func(r *http.Request, _ int) (*http.Response, error) {
		token := r.Header.Get("Authorization")
		if token != "" && first.CompareAndSwap(nil, &token) || first.Load() != nil && token == *first.Load() {
			r.Header.Set("Authorization", token[:len(token)-8]+"AAAAAAAA")
		}
		return nil, nil
	}}
	session := signedIn(t, "receptionist", w)
	ids := make(chan int64, 5)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			made, err := session.CreatePatientWithResponse(t.Context(), &client.CreatePatientParams{}, jane("Refused"))
			if err != nil {
				t.Error(err)
				return
			}
			ids <- made.JSON201.ID
		})
	}
	all.Wait()
	require.Len(t, ids, 5)
	require.Len(t, w.to("/api/auth/refresh/"), 1)
}

func TestAnEndedSessionSaysSo(t *testing.T) {
	t.Parallel()
	w := &watched{}
	session := signedIn(t, "nurse", w)
	require.NoError(t, session.Close(t.Context()))
	_, err := session.GetCurrentUserWithResponse(t.Context())
	requireProblem(t, err, http.StatusUnauthorized, "token_not_valid")
}

func TestTheWrongPasswordAndNoServer(t *testing.T) {
	t.Parallel()
	_, err := client.Open(t.Context(), server, client.SignIn{Username: "nobody", Password: "wrong"}, client.Options{})
	requireProblem(t, err, http.StatusUnauthorized, "invalid_credentials")
	_, err = client.Open(t.Context(), "http://127.0.0.1:9", client.SignIn{Username: "nobody", Password: "wrong"}, client.Options{})
	require.ErrorContains(t, err, "refused")
	proxy := &watched{answer: func(*http.Request, int) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusBadGateway, Status: "502 Bad Gateway", Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<h1>Bad Gateway</h1>"))}, nil
	}}
	_, err = client.Open(t.Context(), server, client.SignIn{Username: "nurse", Password: "wrong"}, client.Options{HTTP: proxy})
	requireProblem(t, err, http.StatusBadGateway, "unexpected")
}

// TestALostAnswerIsAskedForAgain loses the answer to a patient's registration: there is one
// patient.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := &watched{answer: func(r *http.Request, nth int) (*http.Response, error) {
		if nth != 2 {
			return nil, nil
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = response.Body.Close()
		}
		return nil, errors.New("the line broke")
	}}
	session := signedIn(t, "receptionist", w)
	made, err := session.CreatePatientWithResponse(t.Context(), &client.CreatePatientParams{}, jane("Lostanswer"))
	require.NoError(t, err)
	sent := w.to("/api/patients/")
	require.Len(t, sent, 2)
	require.NotEmpty(t, sent[0].Header.Get("Idempotency-Key"))
	require.Equal(t, sent[0].Header.Get("Idempotency-Key"), sent[1].Header.Get("Idempotency-Key"))
	search := "jane lostanswer"
	found, err := session.ListPatientsWithResponse(t.Context(), &client.ListPatientsParams{Search: &search})
	require.NoError(t, err)
	require.Len(t, found.JSON200.Results, 1)
	require.Equal(t, made.JSON201.ID, found.JSON200.Results[0].ID)
}

func busy(after string) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Status: "503 Service Unavailable", Header: http.Header{"Retry-After": {after}},
		Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func TestABusyServerIsAskedAgainWithinReason(t *testing.T) {
	t.Parallel()
	after := "0"
	w := &watched{answer: func(_ *http.Request, nth int) (*http.Response, error) {
		if nth == 1 || nth > 3 {
			return nil, nil // the sign-in, and at the third attempt
		}
		return busy(after)
	}}
	session := signedIn(t, "nurse", w)
	_, err := session.GetCurrentUserWithResponse(t.Context())
	require.NoError(t, err)
	require.Len(t, w.to("/api/users/me/"), 3)

	w.sent, after = w.sent[:1], "60"
	_, err = session.GetCurrentUserWithResponse(t.Context())
	require.Equal(t, time.Minute, requireProblem(t, err, http.StatusServiceUnavailable, "unexpected").RetryAfter)
	require.Len(t, w.to("/api/users/me/"), 1)

	w.sent, after = w.sent[:1], "0"
	_, err = session.UpdateProfileWithResponse(t.Context(), &client.UpdateProfileParams{}, client.ProfilePatch{})
	requireProblem(t, err, http.StatusServiceUnavailable, "unexpected")
	require.Len(t, w.to("/api/profile/"), 1, "it may have been made")
}

func TestAListIsWalkedThroughToItsEnd(t *testing.T) {
	t.Parallel()
	session := signedIn(t, "admin", &watched{})
	size, seen := client.PageSize(100), map[int64]bool{}
	for patient, err := range client.All(t.Context(), session.ListPatientsWithResponse, &client.ListPatientsParams{PageSize: &size}) {
		require.NoError(t, err)
		require.False(t, seen[patient.ID])
		seen[patient.ID] = true
	}
	require.GreaterOrEqual(t, len(seen), 250, "three pages")
	for patient, err := range client.All(t.Context(), session.ListPatientsWithResponse, &client.ListPatientsParams{}) {
		require.NoError(t, err)
		for _, err := range client.All(t.Context(), client.Of(patient.ID, session.GetPatientTimelineWithResponse), &client.GetPatientTimelineParams{}) {
			require.NoError(t, err)
		}
		break
	}
	nurse := signedIn(t, "nurse", &watched{})
	for _, err := range client.All(t.Context(), nurse.ListAuditLogsWithResponse, &client.ListAuditLogsParams{}) {
		requireProblem(t, err, http.StatusForbidden, "forbidden")
	}
}

// TestNewsComeOnceAlsoOverABrokenLine cuts the line after the first appointment, books the
// second while it is cut, and hears of both once.
func TestNewsComeOnceAlsoOverABrokenLine(t *testing.T) {
	t.Parallel()
	var lines []net.Conn
	dialer := &websocket.Dialer{NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		lines = append(lines, conn)
		return conn, err
	}}
	session, err := client.Open(t.Context(), server, client.SignIn{Username: "receptionist", Password: "chelal-demo"}, client.Options{Dialer: dialer})
	require.NoError(t, err)
	role := "Doctor"
	doctors, err := session.ListUsersWithResponse(t.Context(), &client.ListUsersParams{Role: &role})
	require.NoError(t, err)
	patient, err := session.CreatePatientWithResponse(t.Context(), &client.CreatePatientParams{}, jane("Live"))
	require.NoError(t, err)
	var booked, heard []int64
	book := func(day int) {
		made, err := session.CreateAppointmentWithResponse(t.Context(), &client.CreateAppointmentParams{}, client.AppointmentWrite{
			Patient: patient.JSON201.ID, Doctor: doctors.JSON200.Results[0].ID, Date: born(2030, time.July, day), Time: "10:00"})
		require.NoError(t, err)
		booked = append(booked, made.JSON201.ID)
	}
	for news, err := range session.Live(t.Context(), client.LiveAppointments, 0) {
		require.NoError(t, err)
		if state, ok := news.(client.LiveState); ok && state.Type == "ready" && len(booked) == 0 {
			book(3)
		}
		event, ok := news.(client.LiveAppointment)
		if !ok || event.Data.Patient != patient.JSON201.ID || event.Type != "appointment.created" {
			continue
		}
		if heard = append(heard, event.Data.Appointment); len(heard) == 2 {
			break
		}
		require.NoError(t, lines[0].Close())
		book(4)
	}
	require.Equal(t, booked, heard)
	require.Len(t, lines, 2)
}

func TestListeningFailsWhereItIsNotAllowed(t *testing.T) {
	t.Parallel()
	session := signedIn(t, "patient", &watched{})
	n := 0
	for news, err := range session.Live(t.Context(), client.LiveDashboard, 0) {
		require.Nil(t, news)
		requireProblem(t, err, http.StatusForbidden, "forbidden")
		n++
	}
	require.Equal(t, 1, n)
}

func TestListeningEndsWithItsContext(t *testing.T) {
	t.Parallel()
	session := signedIn(t, "nurse", &watched{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for news, err := range session.Live(ctx, client.LiveNotifications, 0) {
		require.NoError(t, err)
		require.IsType(t, client.LiveState{}, news)
		stop()
	}
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/client"
)

func open(username string) *client.Session {
	session, err := client.Open(context.Background(), server, client.SignIn{Username: username, Password: "chelal-demo"}, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return session
}

func born(year int, month time.Month, day int) openapi_types.Date {
	return openapi_types.Date{Time: time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// Sign in, and read who that is.
func ExampleOpen() {
	ctx := context.Background()
	session, err := client.Open(ctx, server, client.SignIn{Username: "receptionist", Password: "chelal-demo"}, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)

	me, err := session.GetCurrentUserWithResponse(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.JSON200.Username, "is a", me.JSON200.Role.MustGet().Name)
	// Output: receptionist is a Receptionist
}

// Register a patient, who is then changed unless somebody else was faster. The request to
// register is safe to repeat: it carries an Idempotency-Key.
func ExampleSession() {
	ctx := context.Background()
	session := open("receptionist")
	defer session.Close(ctx)

	made, err := session.CreatePatientWithResponse(ctx, &client.CreatePatientParams{}, client.PatientWrite{
		FirstName: "Jane", LastName: "Smith", DateOfBirth: born(1990, time.January, 15), Gender: "F",
	})
	if err != nil {
		log.Fatal(err)
	}
	jane := made.JSON201
	version, address := fmt.Sprintf("%q", fmt.Sprint(jane.Version)), "5 New Road"
	changed, err := session.UpdatePatientWithResponse(ctx, jane.ID, &client.UpdatePatientParams{IfMatch: &version}, client.PatientPatch{Address: &address})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(changed.JSON200.FirstName, "lives at", changed.JSON200.Address)
	// Output: Jane lives at 5 New Road
}

// What is refused says why, field by field.
func ExampleProblemError() {
	ctx := context.Background()
	session := open("receptionist")
	defer session.Close(ctx)

	_, err := session.CreatePatientWithResponse(ctx, &client.CreatePatientParams{}, client.PatientWrite{
		LastName: "Smith", DateOfBirth: born(2990, time.January, 15), Gender: "F",
	})
	var problem *client.ProblemError
	if !errors.As(err, &problem) {
		log.Fatal(err)
	}
	fmt.Println(problem.Status, problem.Code)
	for _, field := range problem.Errors {
		fmt.Println(field.Field, field.Code)
	}
	// Output:
	// 400 invalid
	// first_name blank
}

// Walk through a list to its end.
func ExampleAll() {
	ctx := context.Background()
	session := open("admin")
	defer session.Close(ctx)

	doctors := 0
	role := "Doctor"
	for user, err := range client.All(ctx, session.ListUsersWithResponse, &client.ListUsersParams{Role: &role}) {
		if err != nil {
			log.Fatal(err)
		}
		if user.Role.MustGet().Name == "Doctor" {
			doctors++
		}
	}
	fmt.Println(doctors > 0)
	// Output: true
}

// Listen to the dashboard's figures, and see one move.
func ExampleSession_Live() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	session := open("receptionist")
	defer session.Close(context.WithoutCancel(ctx))

	var before int64
	for news, err := range session.Live(ctx, client.LiveDashboard, 0) {
		if err != nil {
			log.Fatal(err)
		}
		figures, ok := news.(client.LiveFigures)
		if !ok || figures.Data.TotalPatients == nil {
			continue
		}
		if before == 0 {
			before = *figures.Data.TotalPatients
			if _, err := session.CreatePatientWithResponse(ctx, &client.CreatePatientParams{}, client.PatientWrite{
				FirstName: "John", LastName: "Smith", DateOfBirth: born(1991, time.March, 2), Gender: "M",
			}); err != nil {
				log.Fatal(err)
			}
		} else {
			fmt.Println(*figures.Data.TotalPatients > before)
			break
		}
	}
	// Output: true
}

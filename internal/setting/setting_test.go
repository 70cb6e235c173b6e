package setting_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/setting"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for key, values := range map[string]struct{ right, wrong []string }{
		setting.RegistrationEnabled: {[]string{"true", "false"}, []string{"", "True", "yes", "1", " true"}},
		setting.PatientSelfBooking:  {[]string{"true", "false"}, []string{"off", "null"}},
		setting.WorkingHoursStart:   {[]string{"00:00", "08:30", "23:59:59"}, []string{"", "8:30", "24:00", "08.30", "08:30Z", "morning"}},
		setting.WorkingHoursEnd:     {[]string{"18:00"}, []string{"18", "18:60"}},
		setting.AppointmentDuration: {[]string{"1", "30", "1440"}, []string{"", "0", "1441", "-5", "+30", "030", "30 min", "30.0", "9999999999999999999999"}},
		setting.HospitalName:        {[]string{"", strings.Repeat("é", 255)}, []string{strings.Repeat("é", 256)}},
		"max_patients_per_day":      {[]string{"50"}, []string{"none", "0"}},
		"sms_enabled":               {[]string{"false"}, []string{"never"}},
		"a_key_of_the_front_end":    {[]string{"", "anything", strings.Repeat("x", 9000)}, nil},
	} {
		for _, value := range values.right {
			require.NoError(t, setting.Check(key, value), "%s: %q", key, value)
		}
		for _, value := range values.wrong {
			err := setting.Check(key, value)
			require.Error(t, err, "%s: %q", key, value)
			refused := apperr.From(err)
			require.Equal(t, apperr.Invalid, refused.Kind)
			require.Equal(t, "value", refused.Fields[0].Name)
			require.Contains(t, refused.Fields[0].Message, "Use ")
		}
	}
}

func TestCheckHours(t *testing.T) {
	t.Parallel()
	const start, end = setting.WorkingHoursStart, setting.WorkingHoursEnd
	for _, test := range []struct {
		key, value, other string
		right             bool
	}{
		{start, "08:00", "18:00", true}, {start, "18:00", "18:00:00", false}, {start, "19:00", "18:00", false},
		{end, "18:00", "08:00", true}, {end, "08:00", "08:00", false}, {end, "07:59:59", "08:00", false},
		{start, "23:00", "", true}, {end, "01:00", "never", true},
	} {
		err := setting.CheckHours(test.key, test.value, test.other)
		require.Equal(t, test.right, err == nil, "%+v: %v", test, err)
	}
	require.Equal(t, end, setting.OtherEnd(start))
	require.Equal(t, start, setting.OtherEnd(end))
	require.Empty(t, setting.OtherEnd(setting.AppointmentDuration))
}

func TestOn(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]bool{
		"true": {true, true}, "True": {true, true}, "false": {false, false}, "FALSE": {false, false}, "": {true, false}, "perhaps": {true, false},
	} {
		require.Equal(t, want, [2]bool{setting.On(value, true), setting.On(value, false)}, value)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	require.Equal(t, setting.Time, setting.TypeOf(setting.WorkingHoursEnd))
	require.Equal(t, setting.Text, setting.TypeOf("a_key_of_the_front_end"))
	require.True(t, setting.IsBuiltin(setting.HospitalName))
	require.False(t, setting.IsBuiltin("sms_enabled"), "nothing here reads it")
	require.False(t, setting.IsBuiltin("a_key_of_the_front_end"))
}

package server_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

func TestProfile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("as the existing front end does", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("Nurse")
		got := c.call("GET", "/api/profile/", nil)
		require.Equal(t, 200, got.status, got.raw)
		require.Equal(t, got.raw, c.call("GET", "/api/users/me/", nil).raw)
		require.Equal(t, got.raw, c.call("PATCH", "/api/profile/", map[string]any{}).raw)
		email := testkit.Unique("ada") + "@example.org"
		patched := c.call("PATCH", "/api/profile/", map[string]any{"first_name": "Ada", "last_name": "Obi", "email": email}, "If-Match", got.header.Get("ETag"))
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"Ada", "Obi", email}, []any{patched.body["first_name"], patched.body["last_name"], patched.body["email"]})
		put := c.call("PUT", "/api/profile/", map[string]any{"language_preference": "sw"})
		require.Equal(t, []any{200, "Ada", "sw"}, []any{put.status, put.body["first_name"], put.body["language_preference"]}, "a PUT is partial here")
		c.call("PATCH", "/api/profile/", map[string]any{"first_name": "Eve"}, "If-Match", got.header.Get("ETag")).refused(t, 412, "stale")

		var details string
		require.NoError(t, b.db.QueryRow(ctx, `SELECT string_agg(details::text, '' ORDER BY id) FROM core_auditlog
			WHERE user_id = $1 AND action = 'edit'`, c.user.ID).Scan(&details))
		require.Contains(t, details, `"first_name": "Ada"`)
		require.Contains(t, details, `"language_preference": "sw"`)
	})

	t.Run("nobody raises themselves", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("Nurse")
		row := func() (text string) {
			require.NoError(t, b.db.QueryRow(ctx, "SELECT u::text FROM core_user u WHERE id = $1", c.user.ID).Scan(&text))
			return text
		}
		before := row()
		for name, value := range map[string]any{
			"role": 1, "role_id": roleID(t, b, "Admin"), "username": "root", "is_staff": true, "is_superuser": true, "is_active": true,
			"two_factor_enabled": true, "two_factor_secret": "x", "password": "long enough 123", "password_change_required": false,
			"id": 1, "version": 7, "date_joined": "2020-01-01T00:00:00Z", "last_login": nil, "profile_image": "profile_images/other.jpg",
		} {
			for _, method := range []string{"PUT", "PATCH"} {
				c.call(method, "/api/profile/", map[string]any{name: value, "first_name": "Mallory"}).refused(t, 400, "invalid")
				form(t, c, method, field{name: name, text: fmt.Sprint(value)}, field{name: "first_name", text: "Mallory"}).refused(t, 400, "invalid")
			}
			c.call("PUT", "/api/preferences/", map[string]any{name: value}).refused(t, 400, "invalid")
		}
		require.Equal(t, before, row())
		lax := setupOn(t, b.db, func(o *server.Options) { o.StrictBodies = false }).asUser(c.user)
		require.Equal(t, 200, lax.call("PATCH", "/api/profile/", map[string]any{"role_id": roleID(t, b, "Admin"), "is_staff": true, "username": "root"}).status)
		require.Equal(t, before, row(), "ignored is not applied")
	})

	t.Run("bad input", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("")
		require.Equal(t, map[string]string{
			"email": "invalid", "language_preference": "invalid_choice", "preferences": "wrong_type", "first_name": "too_long", "profile_image": "invalid",
		}, c.call("PATCH", "/api/profile/", map[string]any{
			"email": "nobody", "language_preference": "de", "preferences": []int{1}, "first_name": strings.Repeat("x", 151), "profile_image": "x",
		}).refused(t, 400, "invalid").fields())
		c.call("PUT", "/api/profile/", map[string]any{"profile_image": map[string]any{}}).refused(t, 400, "invalid")
		other := testkit.User(t, b.db, "")
		c.call("PATCH", "/api/profile/", map[string]any{"email": strings.ToUpper(*other.Email)}).refused(t, 409, "email_taken")
		c.call("GET", "/api/profile/?x=1", nil).refused(t, 400, "invalid")
		for _, method := range []string{"GET", "PUT", "PATCH"} {
			b.nobody().call(method, "/api/profile/", nil).refused(t, 401, "not_authenticated")
		}
	})
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.as("")
	got := c.call("GET", "/api/preferences/", nil)
	require.Equal(t, map[string]any{"language_preference": "en", "preferences": map[string]any{}}, got.body)
	set := c.call("PUT", "/api/preferences/", map[string]any{"preferences": map[string]any{"notifications": map[string]any{"email": true}}}, "If-Match", got.header.Get("ETag"))
	require.Equal(t, 200, set.status, set.raw)
	spoken := c.call("PUT", "/api/preferences/", map[string]any{"language_preference": "fr"})
	require.Equal(t, map[string]any{"language_preference": "fr", "preferences": map[string]any{"notifications": map[string]any{"email": true}}}, spoken.body)
	require.Equal(t, spoken.body, c.call("GET", "/api/preferences/", nil).body)
	c.call("PUT", "/api/preferences/", map[string]any{"language_preference": "sw"}, "If-Match", got.header.Get("ETag")).refused(t, 412, "stale")
	for _, bad := range []any{[]int{}, "dark", nil, 7} {
		c.call("PUT", "/api/preferences/", map[string]any{"preferences": bad}).refused(t, 400, "invalid")
	}
	large := map[string]any{"preferences": map[string]any{"x": strings.Repeat("x", 17<<10)}}
	for path, caller := range map[string]caller{"/api/preferences/": c, "/api/profile/": c, fmt.Sprintf("/api/users/%d/", c.user.ID): b.as("Admin")} {
		method := map[bool]string{true: "PUT", false: "PATCH"}[path == "/api/preferences/"]
		require.Equal(t, map[string]string{"preferences": "too_large"}, caller.call(method, path, large).refused(t, 400, "invalid").fields())
	}
	c.call("PUT", "/api/preferences/", map[string]any{"language_preference": "english-and-more"}).refused(t, 400, "invalid")
	c.call("PATCH", "/api/preferences/", map[string]any{}).refused(t, 405, "method_not_allowed")
	c.call("GET", "/api/preferences/?x=1", nil).refused(t, 400, "invalid")
	b.nobody().call("GET", "/api/preferences/", nil).refused(t, 401, "not_authenticated")
	b.nobody().call("PUT", "/api/preferences/", map[string]any{}).refused(t, 401, "not_authenticated")
}

// field is one part of a form; with a file name it is a file.
type field struct {
	name, file, text string
}

// form sends fields as multipart/form-data to the profile.
func form(t testing.TB, c caller, method string, fields ...field) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range fields {
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q`, f.name)}}
		if f.file != "" {
			header.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, f.name, f.file))
			header.Set("Content-Type", "text/html") // nobody believes it
		}
		part, err := w.CreatePart(header)
		require.NoError(t, err)
		_, err = io.WriteString(part, f.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return c.call(method, "/api/profile/", body.String(), "Content-Type", w.FormDataContentType())
}

func upload(t testing.TB, c caller, data string) answer {
	t.Helper()
	return form(t, c, "PATCH", field{name: "profile_image", file: "me.png", text: data})
}

// photo is a PNG of noise, which does not compress.
func photo(t testing.TB, width, height int) string {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = byte(rand.Uint32()) | 0x0f
	}
	picture.Set(0, 0, color.Transparent)
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, picture))
	return out.String()
}

// fetch reads an address as answered, without a token.
func fetch(b *bundle, address string, header ...string) answer {
	return b.nobody().call("GET", strings.TrimPrefix(address, base), nil, header...)
}

func TestProfileImage(t *testing.T) {
	t.Parallel()

	t.Run("from upload to removal", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("Patient")
		put := form(t, c, "PUT", field{name: "first_name", text: " Ada "}, field{name: "preferences", text: `{"theme": "dark"}`},
			field{name: "profile_image", file: "../../me.php", text: photo(t, 900, 600)})
		require.Equal(t, 200, put.status, put.raw)
		require.Equal(t, []any{"Ada", map[string]any{"theme": "dark"}}, []any{put.body["first_name"], put.body["preferences"]})
		address := put.body["profile_image"].(string)
		require.Regexp(t, `^http://hospital\.test/media/profile_images/[a-z2-7]{26}\.jpg\?expires=\d+&signature=`, address)
		require.Equal(t, address, c.call("GET", "/api/users/me/", nil).body["profile_image"], "the link stays for a while")

		got := fetch(b, address)
		require.Equal(t, 200, got.status)
		for name, value := range map[string]string{
			"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Content-Disposition": `inline; filename="profile.jpg"`,
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox", "Content-Length": fmt.Sprint(len(got.raw)),
		} {
			require.Equal(t, value, got.header.Get(name))
		}
		require.Regexp(t, `^private, max-age=\d+$`, got.header.Get("Cache-Control"))
		config, err := jpeg.DecodeConfig(strings.NewReader(got.raw))
		require.NoError(t, err)
		require.Equal(t, []int{512, 341}, []int{config.Width, config.Height})

		first := nameOf(t, b, c.user.ID)
		require.Equal(t, 200, upload(t, c, photo(t, 10, 10)).status)
		require.Equal(t, []string{first}, due(t, b, b.now), "the replaced picture is removed once the change is committed")
		second := nameOf(t, b, c.user.ID)
		require.NotEqual(t, first, second)
		require.Equal(t, 200, form(t, c, "PATCH", field{name: "profile_image", file: "", text: ""}).status)
		require.Nil(t, c.call("GET", "/api/profile/", nil).body["profile_image"])
		require.Equal(t, []string{first, second}, due(t, b, b.now))
		require.Equal(t, 200, upload(t, c, photo(t, 10, 10)).status)
		removed := c.call("PATCH", "/api/profile/", map[string]any{"profile_image": nil})
		require.Equal(t, []any{200, nil}, []any{removed.status, removed.body["profile_image"]})
		require.Len(t, due(t, b, b.now), 3)
		require.Equal(t, 200, form(t, c, "PATCH", field{name: "profile_image", file: "x", text: ""}).status, "no file was chosen")
	})

	t.Run("links expire and stand for one picture", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c, other := b.as("Nurse"), b.as("Nurse")
		address := upload(t, c, photo(t, 20, 20)).body["profile_image"].(string)
		foreign := upload(t, other, photo(t, 20, 20)).body["profile_image"].(string)
		path, query, _ := strings.Cut(address, "?")
		otherPath, _, _ := strings.Cut(foreign, "?")
		fetch(b, path).refused(t, 401, "not_authenticated")
		for name, tampered := range map[string]string{
			"another's picture": otherPath + "?" + query,
			"a longer life":     strings.Replace(address, "expires=1", "expires=2", 1),
			"another signature": address[:len(address)-3] + "AAA",
			"none":              path + "?expires=9999999999&signature=",
			"no time":           path + "?" + query[strings.Index(query, "signature="):],
		} {
			fetch(b, tampered).refused(t, 403, "media_link_not_valid")
			require.NotEqual(t, 200, fetch(b, tampered).status, name)
		}
		b.now = b.now.Add(14 * time.Minute)
		require.Equal(t, 200, fetch(b, address).status)
		b.now = b.now.Add(16 * time.Minute)
		fetch(b, address).refused(t, 403, "media_link_not_valid")
	})

	t.Run("with a token, the own picture", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("Nurse")
		path, _, _ := strings.Cut(strings.TrimPrefix(upload(t, c, photo(t, 20, 20)).body["profile_image"].(string), base), "?")
		own := c.call("GET", path, nil)
		require.Equal(t, []any{200, "private, max-age=0"}, []any{own.status, own.header.Get("Cache-Control")})
		require.Equal(t, 200, b.as("Admin").call("GET", path, nil).status)
		for _, role := range []string{"Nurse", "Doctor", "Patient", ""} {
			b.as(role).call("GET", path, nil).refused(t, 404, "not_found")
		}
		for _, name := range []string{"profile_images/" + strings.Repeat("a", 26) + ".jpg", "profile_images/../../go.mod", "%2e%2e/%2e%2e/go.mod", "..%2fgo.mod", "", "x\x00y"} {
			answer := c.call("GET", "/media/"+strings.ReplaceAll(name, "\x00", "%00"), nil)
			require.Contains(t, []int{404}, answer.status, name)
		}
		_, err := b.db.Exec(t.Context(), "UPDATE core_user SET is_active = false WHERE id = $1", c.user.ID)
		require.NoError(t, err)
		c.call("GET", path, nil).refused(t, 401, "token_not_valid")
	})

	t.Run("a deleted account leaves no picture", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("Nurse")
		upload(t, c, photo(t, 20, 20))
		name := nameOf(t, b, c.user.ID)
		require.Equal(t, 204, b.as("Admin").call("DELETE", fmt.Sprintf("/api/users/%d/", c.user.ID), nil).status)
		require.Equal(t, []string{name}, due(t, b, b.now))
	})

	t.Run("a change that is not committed leaves no picture", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c, other := b.as("Nurse"), testkit.User(t, b.db, "")
		form(t, c, "PATCH", field{name: "profile_image", file: "x", text: photo(t, 20, 20)}, field{name: "email", text: *other.Email}).
			refused(t, 409, "email_taken")
		require.Empty(t, due(t, b, b.now))
		require.Len(t, due(t, b, b.now.Add(2*time.Hour)), 1, "what nobody claims is removed")
		require.Nil(t, c.call("GET", "/api/profile/", nil).body["profile_image"])
	})

	t.Run("what is refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.as("")
		require.Equal(t, map[string]string{"profile_image": "invalid_image"}, upload(t, c, "<svg xmlns='http://www.w3.org/2000/svg'/>").refused(t, 400, "invalid").fields())
		upload(t, c, strings.Repeat("x", media.MaxSize+1)).refused(t, 413, "too_large")
		upload(t, c, strings.Repeat("x", media.MaxSize+2<<20)).refused(t, 413, "too_large")
		form(t, c, "PATCH", field{name: "first_name", text: strings.Repeat("x", 2<<20)}).refused(t, 413, "too_large")
		png := photo(t, 4, 4)
		form(t, c, "PATCH", field{name: "profile_image", file: "a", text: png}, field{name: "profile_image", file: "b", text: png}).refused(t, 400, "invalid")
		form(t, c, "PATCH", field{name: "first_name", text: "a"}, field{name: "first_name", text: "b"}).refused(t, 400, "invalid")
		form(t, c, "PATCH", field{name: "first_name", file: "a", text: png}).refused(t, 400, "invalid")
		form(t, c, "PATCH", field{name: "avatar", file: "a", text: png}).refused(t, 400, "invalid")
		form(t, c, "PATCH", field{name: "preferences", text: "{"}).refused(t, 400, "invalid")
		form(t, c, "PATCH", field{name: "first_name", text: "a\x00b"}).refused(t, 400, "invalid")
		form(t, c, "PATCH", field{name: "first_name", text: "\xff"}).refused(t, 400, "malformed_form")
		for _, contentType := range []string{"multipart/form-data", "multipart/form-data; boundary=x"} {
			c.call("PATCH", "/api/profile/", "not a form", "Content-Type", contentType).refused(t, 400, "malformed_form")
		}
		c.call("POST", "/api/patients/", "x", "Content-Type", "multipart/form-data; boundary=x").refused(t, 403, "forbidden")
		b.as("Nurse").call("POST", "/api/patients/", "x", "Content-Type", "multipart/form-data; boundary=x").refused(t, 415, "unsupported_media_type")
		require.Equal(t, []any{nil, ""}, []any{c.call("GET", "/api/profile/", nil).body["profile_image"], jobsOf(t, b.db)})
	})

	t.Run("a store that fails", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *server.Options) { o.Media = media.Folder("/dev/null/media") })
		c := b.as("")
		upload(t, c, photo(t, 4, 4)).refused(t, 503, "media_unavailable")
		require.Nil(t, c.call("GET", "/api/profile/", nil).body["profile_image"])
	})
}

func nameOf(t testing.TB, b *bundle, userID int64) (name string) {
	t.Helper()
	require.NoError(t, b.db.QueryRow(context.Background(), "SELECT profile_image FROM core_user WHERE id = $1", userID).Scan(&name))
	return name
}

// due are the pictures that jobs will have looked at by then and that no account names.
func due(t testing.TB, b *bundle, by time.Time) (names []string) {
	t.Helper()
	require.NoError(t, b.db.QueryRow(context.Background(), `SELECT array_agg(args->>'name' ORDER BY id) FROM (
			SELECT id, args FROM river.river_job WHERE kind = 'remove_picture' AND scheduled_at <= $1
		) j WHERE NOT EXISTS (SELECT 1 FROM core_user WHERE profile_image = args->>'name')`, by.Add(time.Second)).Scan(&names))
	return names
}

func jobsOf(t testing.TB, conn pg.DB) (names string) {
	t.Helper()
	require.NoError(t, conn.QueryRow(context.Background(), `SELECT coalesce(string_agg(args->>'name', ' '), '') FROM river.river_job
		WHERE kind = 'remove_picture'`).Scan(&names))
	return names
}

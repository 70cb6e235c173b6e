package media_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/media"
)

// flag is red on the left and blue on the right, wider than high.
func flag(width, height int) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, map[bool]color.Color{true: color.NRGBA{255, 0, 0, 255}, false: color.NRGBA{0, 0, 255, 255}}[x < width/2])
		}
	}
	return picture
}

func asPNG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, picture))
	return out.Bytes()
}

func asJPEG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, picture, nil))
	return out.Bytes()
}

// aWebP is a red and lossless image of 2 by 2 pixels.
const aWebP = "UklGRh4AAABXRUJQVlA4TBEAAAAvAUAAAAfQ//73v/+BiOh/AAA="

// redrawn decodes what is kept of an image.
func redrawn(t testing.TB, data []byte) image.Image {
	t.Helper()
	kept, err := media.Redraw(t.Context(), data)
	require.NoError(t, err)
	picture, err := jpeg.Decode(bytes.NewReader(kept))
	require.NoError(t, err)
	return picture
}

func TestRedraw(t *testing.T) {
	t.Parallel()
	webp, err := base64.StdEncoding.DecodeString(aWebP)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		data          []byte
		width, height int
	}{
		"a large PNG":      {asPNG(t, flag(2000, 1000)), 512, 256},
		"a high JPEG":      {asJPEG(t, flag(300, 1500)), 102, 512},
		"a small one":      {asPNG(t, flag(30, 20)), 30, 20},
		"a thin one":       {asPNG(t, flag(5000, 1)), 512, 1},
		"WebP":             {webp, 2, 2},
		"one with sixteen": {asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 64, 64))), 64, 64},
	} {
		bounds := redrawn(t, test.data).Bounds()
		require.Equal(t, [2]int{test.width, test.height}, [2]int{bounds.Dx(), bounds.Dy()}, name)
	}
	white := redrawn(t, asPNG(t, image.NewNRGBA(image.Rect(0, 0, 16, 16))))
	requireColour(t, color.White, white.At(8, 8), "what is transparent lies on white")
}

func requireColour(t testing.TB, want, got color.Color, why string) {
	t.Helper()
	r, g, b, _ := want.RGBA()
	u, v, w, _ := got.RGBA()
	for i, pair := range [][2]uint32{{r, u}, {g, v}, {b, w}} {
		require.InDelta(t, pair[0], pair[1], 0x3000, "%s: channel %d", why, i)
	}
}

// TestOrientation draws a photo as each of the eight ways to hold a camera has it: red
// comes to lie where EXIF says.
func TestOrientation(t *testing.T) {
	t.Parallel()
	red, blue := color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for value, want := range map[uint16]struct {
			upright  bool
			redFirst bool // at the left, or at the top
		}{
			0: {true, true}, 1: {true, true}, 2: {true, false}, 3: {true, false}, 4: {true, true},
			5: {false, true}, 6: {false, true}, 7: {false, false}, 8: {false, false}, 9: {true, true},
		} {
			picture := redrawn(t, withOrientation(asJPEG(t, flag(80, 40)), order, value))
			w, h := picture.Bounds().Dx(), picture.Bounds().Dy()
			require.Equal(t, want.upright, w > h, value)
			first, last := picture.At(w/8, h/8), picture.At(w-1-w/8, h-1-h/8)
			if !want.redFirst {
				first, last = last, first
			}
			requireColour(t, red, first, "the red side")
			requireColour(t, blue, last, "the blue side")
		}
	}
}

// withOrientation puts an EXIF segment, with a place where the photo was taken, into a JPEG.
func withOrientation(data []byte, order binary.AppendByteOrder, value uint16) []byte {
	tiff := []byte("II*\x00")
	if order.String() == "BigEndian" {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	tiff = append(order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x010e), 2), 4), "GPS\x00"...)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x0112), 3), 1)
	tiff = append(order.AppendUint16(tiff, value), 0, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(out, segment...), data[2:]...)
}

// TestNothingElseIsKept: metadata, and whatever else a file is at the same time.
func TestNothingElseIsKept(t *testing.T) {
	t.Parallel()
	html, zip := "<script>alert(document.cookie)</script><?php system('id') ?>", "PK\x03\x04evil.class"
	comment := append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, byte(len(html) + 2)}, html...)
	chunk := append([]byte("tEXtComment\x00"), html...)
	asText := binary.BigEndian.AppendUint32(nil, uint32(len(chunk)-4))
	asText = binary.BigEndian.AppendUint32(append(asText, chunk...), crc32.ChecksumIEEE(chunk))
	plain, photo := asPNG(t, flag(64, 64)), asJPEG(t, flag(64, 64))
	const ihdr = 8 + 25
	for name, data := range map[string][]byte{
		"a PNG and a page":       append(bytes.Clone(plain), html...),
		"a JPEG and an archive":  append(bytes.Clone(photo), zip...),
		"a page in a comment":    append(comment, photo[2:]...),
		"a page in a text chunk": bytes.Join([][]byte{plain[:ihdr], asText, plain[ihdr:]}, nil),
		"a place":                withOrientation(photo, binary.BigEndian, 1),
	} {
		kept, err := media.Redraw(t.Context(), data)
		require.NoError(t, err, name)
		for _, hidden := range []string{"<script", "<?php", "PK\x03", "Exif", "GPS"} {
			require.NotContains(t, string(kept), hidden, name)
		}
		again, err := media.Redraw(t.Context(), kept)
		require.NoError(t, err)
		require.LessOrEqual(t, len(again), 2*len(kept))
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	var animated bytes.Buffer
	require.NoError(t, gif.Encode(&animated, flag(8, 8), nil))
	large, photo := asPNG(t, flag(400, 400)), asJPEG(t, flag(400, 400))
	webp, err := base64.StdEncoding.DecodeString(aWebP)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		data []byte
		code string
	}{
		"nothing":                {nil, "invalid_image"},
		"a page":                 {[]byte("<html><script>x</script>"), "invalid_image"},
		"an SVG":                 {[]byte("<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"), "invalid_image"},
		"a GIF":                  {animated.Bytes(), "invalid_image"},
		"a page before an image": {append([]byte("<script>x</script>"), large...), "invalid_image"},
		"a PNG cut short":        {large[:len(large)/2], "invalid_image"},
		"a PNG's beginning":      {large[:20], "invalid_image"},
		"a JPEG cut short":       {photo[:len(photo)/2], "invalid_image"},
		"a JPEG's beginning":     {photo[:3], "invalid_image"},
		"a WebP cut short":       {webp[:len(webp)-8], "invalid_image"},
		"a WebP's beginning":     {webp[:12], "invalid_image"},
		"a PNG bomb":             {sized(t, 60_000, 60_000), "too_many_pixels"},
		"a PNG a little large":   {sized(t, 5001, 5000), "too_many_pixels"},
		"the largest PNG":        {sized(t, 0x7fffffff, 0x7fffffff), "invalid_image"},
	} {
		_, err := media.Redraw(t.Context(), test.data)
		refusal := apperr.From(err)
		require.Equal(t, apperr.Invalid, refusal.Kind, name)
		require.Equal(t, "profile_image", refusal.Fields[0].Name, name)
		require.Contains(t, []string{test.code, "too_many_pixels"}, refusal.Fields[0].Code, name)
	}
}

// sized is a PNG whose header claims a size that its few bytes do not have.
func sized(t testing.TB, width, height uint32) []byte {
	t.Helper()
	data := asPNG(t, flag(8, 8))
	binary.BigEndian.PutUint32(data[16:], width)
	binary.BigEndian.PutUint32(data[20:], height)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

// FuzzRedraw: whatever is uploaded is kept as a small JPEG, or is Invalid.
func FuzzRedraw(f *testing.F) {
	webp, _ := base64.StdEncoding.DecodeString(aWebP)
	for _, seed := range [][]byte{asPNG(f, flag(8, 4)), webp, withOrientation(asJPEG(f, flag(8, 4)), binary.LittleEndian, 6)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept, err := media.Redraw(t.Context(), data)
		if err != nil {
			require.Equal(t, apperr.Invalid, apperr.From(err).Kind)
			return
		}
		config, err := jpeg.DecodeConfig(bytes.NewReader(kept))
		require.NoError(t, err)
		require.LessOrEqual(t, max(config.Width, config.Height), 512)
	})
}

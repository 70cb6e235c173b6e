package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"chelal/internal/apperr"
)

// The limits of what is uploaded.
const (
	MaxSize   = 5 << 20    // bytes
	maxPixels = 25_000_000 // decoded they take up to 200 MB
	maxSide   = 512        // of what is kept
	quality   = 85
)

var (
	notAnImage    = invalid("invalid_image", "Send a PNG, JPEG or WebP image. This file is none, or it is damaged.")
	tooManyPixels = invalid("too_many_pixels", "Send an image of at most 25 million pixels.")
)

func invalid(code, message string) *apperr.Error {
	return apperr.InvalidFields(apperr.Field{Name: "profile_image", Code: code, Message: message})
}

// formats are told apart by content; the name and the type that the sender gave say nothing.
var formats = []struct {
	is     func([]byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	{begins("\x89PNG\r\n\x1a\n"), png.DecodeConfig, png.Decode},
	{begins("\xff\xd8\xff"), jpeg.DecodeConfig, jpeg.Decode},
	{isWebP, webp.DecodeConfig, webp.Decode},
}

func begins(magic string) func([]byte) bool {
	return func(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }
}

func isWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// decoding lets one image at a time take the memory that it needs.
var decoding = make(chan struct{}, 1)

// Redraw returns an uploaded image as it is kept: a JPEG that shows the same, at most 512
// pixels a side, on white where the image was transparent. Nothing else of the file is
// left: no place where the photo was taken, and no other file that hid in it. The size is
// asked before anything is decoded. What is no image is an Invalid error.
func Redraw(ctx context.Context, data []byte) ([]byte, error) {
	for _, format := range formats {
		if !format.is(data) {
			continue
		}
		config, err := format.config(bytes.NewReader(data))
		if err != nil || config.Width < 1 || config.Height < 1 {
			return nil, notAnImage.Because(err)
		}
		if int64(config.Width)*int64(config.Height) > maxPixels {
			return nil, tooManyPixels
		}
		select {
		case decoding <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-decoding }()
		picture, err := format.decode(bytes.NewReader(data))
		if err != nil {
			return nil, notAnImage.Because(err)
		}
		return encode(turned(fitted(picture), orientation(data)))
	}
	return nil, notAnImage
}

// fitted scales an image down to maxSide and lays it on white.
func fitted(src image.Image) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	if longer := max(w, h); longer > maxSide {
		w, h = max(1, w*maxSide/longer), max(1, h*maxSide/longer)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Over, nil)
	return dst
}

func encode(picture image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

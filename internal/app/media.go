package app

import (
	"chelal/internal/config"
	"chelal/internal/media"
)

// Media returns where uploaded images and report files are kept.
func Media(cfg config.Config) (media.Store, error) {
	if b := cfg.MediaBucket; b != nil {
		return media.Bucket(media.BucketOptions{
			Endpoint: b.Endpoint, TLS: b.TLS, Region: b.Region, Bucket: b.Name, Prefix: b.Prefix,
			AccessKey: b.AccessKey, SecretKey: string(b.SecretKey),
		})
	}
	return media.Folder(cfg.MediaRoot), nil
}

// Package jobs names the background jobs and what each is given: ids and nothing else,
// since a job outlives the transaction that asked for it.
package jobs

import (
	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// Expire asks to remove what is past its time and to prepare the months to come. It
// may run at any time and any number of times.
type Expire struct{}

// Kind is how River's tables call the job. Renaming it strands the jobs that wait.
func (Expire) Kind() string { return "expire" }

// SealAudit asks to seal what is complete of the audit log. It may run at any time and any
// number of times, also at once.
type SealAudit struct{}

// Kind is how River's tables call the job.
func (SealAudit) Kind() string { return "seal_audit" }

// FoldFigures asks to fold the differences of the figures into them. It may run at any
// time and any number of times, also at once.
type FoldFigures struct{}

// Kind is how River's tables call the job.
func (FoldFigures) Kind() string { return "fold_figures" }

// SyncBatch asks to carry out what the device of a batch has waiting. It may run any
// number of times, also at once.
type SyncBatch struct {
	Batch uuid.UUID `json:"batch"`
}

// Kind is how River's tables call the job.
func (SyncBatch) Kind() string { return "sync_batch" }

// InsertOpts says that few attempts are enough: ResumeSync asks again.
func (SyncBatch) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

// ResumeSync asks to take up the batches that whoever worked on them has left. It may run
// at any time and any number of times.
type ResumeSync struct{}

// Kind is how River's tables call the job.
func (ResumeSync) Kind() string { return "resume_sync" }

// SendMail asks to send one mail that was prepared.
type SendMail struct {
	DeliveryID int64 `json:"delivery_id"`
}

// Kind is how River's tables call the job.
func (SendMail) Kind() string { return "send_mail" }

// MailQueue has workers of its own, so that a slow mail server holds up nothing else.
const MailQueue = "mail"

// InsertOpts lets a mail be tried over some eighteen hours.
func (SendMail) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: MailQueue, MaxAttempts: 12}
}

// Remind asks to prepare the reminders that are due. It may run at any time and any
// number of times, also at once.
type Remind struct{}

// Kind is how River's tables call the job.
func (Remind) Kind() string { return "remind" }

// MarkNoShows asks to mark the appointments that nobody came to. It may run at any time
// and any number of times, also at once.
type MarkNoShows struct{}

// Kind is how River's tables call the job.
func (MarkNoShows) Kind() string { return "mark_no_shows" }

// WriteReport asks to write a report file. It may run any number of times, also at once.
type WriteReport struct {
	FileID int64 `json:"file_id"`
}

// ReportQueue is where files are written: few at once, since each may take minutes.
const ReportQueue = "reports"

// Kind is how River's tables call the job.
func (WriteReport) Kind() string { return "write_report" }

// InsertOpts keeps long files out of the way of other jobs.
func (WriteReport) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ReportQueue, MaxAttempts: 5}
}

// RemovePicture asks to remove a profile picture, unless an account names it. It may run
// at any time once no change is under way that would name it, and any number of times.
type RemovePicture struct {
	Name string `json:"name"`
}

// Kind is how River's tables call the job.
func (RemovePicture) Kind() string { return "remove_picture" }

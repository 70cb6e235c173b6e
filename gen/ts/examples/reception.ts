// A morning at the reception: signs in, registers a patient, books an appointment, and hears of it live.
//
//   node reception.js http://127.0.0.1:8000 receptionist chelal-demo
import { Chelal, ProblemError } from 'chelal-client'

const [baseUrl = 'http://127.0.0.1:8000', username = 'receptionist', password = 'chelal-demo'] = process.argv.slice(2)
const chelal = new Chelal({ baseUrl })

const me = await chelal.signIn({ username, password })
console.log(`Signed in as ${me.username}, ${me.role?.name}.`)

const patient = await chelal.post('/api/patients/', {
  body: { first_name: 'Jane', last_name: 'Smith', date_of_birth: '1990-01-15', gender: 'F', known_allergies: 'Penicillin' },
})
console.log(`Registered ${patient.first_name} ${patient.last_name}.`)

const doctors = await chelal.get('/api/users/', { params: { query: { role: 'Doctor', page_size: 1 } } })
const doctor = doctors.results[0]
if (!doctor) throw new Error('There is no doctor yet.')

for await (const event of chelal.live('appointments')) {
  if (event.type === 'ready') await book()
  if (event.type === 'appointment.created' && event.data.patient === patient.id) {
    console.log(`Heard live: the appointment is ${event.data.status}.`)
    break
  }
}

try {
  await book()
} catch (error) {
  if (!(error instanceof ProblemError) || error.code !== 'slot_taken') throw error
  console.log(`${error.message} Free: ${error.problem.next_free?.map(({ time }) => time).join(', ')}.`)
}

let count = 0
for await (const { last_name } of chelal.all('/api/patients/', { search: 'smith' })) {
  if (last_name === 'Smith') count++
}
console.log(`Found ${count} of the name.`)
await chelal.signOut()

function book() {
  return chelal.post('/api/appointments/', {
    body: { patient: patient.id, doctor: doctor!.id, date: '2030-06-03', time: '09:30' },
  })
}

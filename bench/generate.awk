# generate.awk - COUNT migrations (KIND=amig, one file each, in DIR) or a Lua file of about BYTES bytes (KIND=lua)
#
# Both are what a person might write: names, strings, numbers, calls and SQL texts in the same mixture.

function migration(n,  file) {
	file = sprintf("%s/%05d_step.amig", DIR, n)
	printf "## Step %d of a long history.\nmigration \"%05d_step\" {\n", n, n > file
	if (n > 1)
		printf "  depends on \"%05d_step\"\n", n - 1 > file
	printf "  versions   1.%d.0 .. 1.%d.9\n", n, n > file
	printf "  needs      postgres >= 12.0.0\n\n" > file
	printf "  param limit: int = %d   \"How many rows at the most\"\n\n", 1000 + n > file
	printf "  let teams = postgres.column(sql\"SELECT id FROM team WHERE id %% 16 = %d ORDER BY id\") as [int]\n", n % 16 > file
	printf "  let total = postgres.value(sql\"SELECT count(*) FROM event_%d\") as int\n\n", n > file
	printf "  required when total > 0 and total < limit * 100\n\n" > file
	printf "  precheck \"there are not too many rows\" {\n    require total < limit * %d else \"${total} rows are too many\"\n  }\n\n", n % 7 + 2 > file
	printf "  operation \"add the column\" on postgres {\n" > file
	printf "    forward  sql\"ALTER TABLE event_%d ADD COLUMN copied bigint\"\n", n > file
	printf "    rollback sql\"ALTER TABLE event_%d DROP COLUMN IF EXISTS copied\"\n  }\n\n", n > file
	printf "  for team in teams {\n    operation \"fill team ${team}\" on postgres {\n      timeout 2h\n      retry 3 backoff 5s .. 2m\n" > file
	printf "      forward {\n        let before = postgres.value(sql\"SELECT count(*) FROM event_%d WHERE team = ${team}\") as int\n", n > file
	printf "        if before > 0 {\n          exec sql\"UPDATE event_%d SET copied = number WHERE team = ${team} AND copied IS NULL\"\n        }\n      }\n", n > file
	printf "      rollback sql\"UPDATE event_%d SET copied = NULL WHERE team = ${team}\"\n    }\n  }\n\n", n > file
	printf "  postcheck \"every row has its copy\" {\n    let missing = postgres.value(sql\"SELECT count(*) FROM event_%d WHERE copied IS NULL\") as int\n", n > file
	printf "    require missing == 0 else \"${missing} rows of event_%d were not copied\"\n  }\n}\n", n > file
	close(file)
}

function lua(n) {
	return sprintf("-- Step %d of a long history.\nlocal step_%d = {}\nstep_%d.name = \"%05d_step\"\nstep_%d.depends = { \"%05d_step\" }\n" \
		"step_%d.versions = { \"1.%d.0\", \"1.%d.9\" }\nfunction step_%d.required(db, limit)\n" \
		"  local total = db:value(\"SELECT count(*) FROM event_%d\")\n  return total > 0 and total < limit * 100\nend\n" \
		"function step_%d.precheck(db, limit)\n  local total = db:value(\"SELECT count(*) FROM event_%d\")\n" \
		"  if not (total < limit * %d) then error(total .. \" rows are too many\") end\nend\n" \
		"function step_%d.forward(db, team)\n  local before = db:value(\"SELECT count(*) FROM event_%d WHERE team = \" .. team)\n" \
		"  if before > 0 then\n    db:exec(\"UPDATE event_%d SET copied = number WHERE team = \" .. team .. \" AND copied IS NULL\")\n  end\nend\n" \
		"function step_%d.rollback(db, team)\n  db:exec(\"UPDATE event_%d SET copied = NULL WHERE team = \" .. team)\nend\n" \
		"function step_%d.postcheck(db)\n  local missing = db:value(\"SELECT count(*) FROM event_%d WHERE copied IS NULL\")\n" \
		"  if missing ~= 0 then error(missing .. \" rows of event_%d were not copied\") end\nend\nsteps[%d] = step_%d\n",
		n, n, n, n, n, n - 1, n, n, n + 3, n, n, n, n, n % 7 + 2, n, n, n, n, n, n, n, n, n, n)
}

BEGIN {
	if (KIND == "amig") {
		for (n = 1; n <= COUNT; n++)
			migration(n)
		exit
	}
	print "local steps = {}"
	# Lua allows 200 locals a function: each step stands in a block of its own.
	for (n = 1; written < BYTES; n++) {
		text = "do\n" lua(n) "end\n"
		written += length(text)
		printf "%s", text
	}
	print "return steps"
}

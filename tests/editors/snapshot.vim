" snapshot.vim - writes the file that is open, with the syntax groups of its characters, to $AMIG_SNAPSHOT
"
" Each line of the source stands behind `>`; below it, each run of one group is underlined. Sourced by tests/editors.sh.
let s:out = []
for s:number in range(1, line('$'))
  let s:line = getline(s:number)
  call add(s:out, '>' . s:line)
  let s:at = 0
  while s:at < strlen(s:line)
    let s:name = synIDattr(synID(s:number, s:at + 1, 1), 'name')
    let s:end = s:at + 1
    while s:end < strlen(s:line) && synIDattr(synID(s:number, s:end + 1, 1), 'name') ==# s:name
      let s:end += 1
    endwhile
    if s:name !=# '' && strpart(s:line, s:at, s:end - s:at) =~# '\S'
      call add(s:out, '#' . repeat(' ', s:at) . repeat('^', s:end - s:at) . ' ' . s:name)
    endif
    let s:at = s:end
  endwhile
endfor
call writefile(s:out, $AMIG_SNAPSHOT)

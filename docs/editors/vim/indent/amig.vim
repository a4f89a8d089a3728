" amig.vim - a line after an opening bracket is indented, one that begins with a closing one is not
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1
setlocal indentexpr=AmigIndent() indentkeys=0},0),0],o,O
let b:undo_indent = 'setlocal indentexpr< indentkeys<'

function! AmigIndent() abort
  let l:above = prevnonblank(v:lnum - 1)
  let l:indent = indent(l:above)
  if getline(l:above) =~# '[[({]\s*\%(#.*\)\?$'
    let l:indent += shiftwidth()
  endif
  if getline(v:lnum) =~# '^\s*[])}]'
    let l:indent -= shiftwidth()
  endif
  return l:above == 0 ? 0 : l:indent
endfunction

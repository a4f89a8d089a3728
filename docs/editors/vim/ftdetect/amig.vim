" amig.vim - files that end with .amig are migrations
autocmd BufNewFile,BufRead *.amig setfiletype amig

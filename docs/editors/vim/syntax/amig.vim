" amig.vim - colours amig migrations, and the SQL in their templates
"
" Words of the language are those of grammar/keywords.def; the words of SQL are those of
" docs/editors/vscode/amig.tmLanguage.json.

if exists('b:current_syntax')
  finish
endif
syntax case match

" Everything that may stand in a hole of a template.
syntax cluster amigCode contains=amigComment,amigDoc,amigString,amigText,amigSql,amigSqlText,
  \amigNumber,amigQuantity,amigVersion,amigTypeOf,amigReserved,amigConstant,amigClause,
  \amigPhrase,amigDeclaration,amigCall,amigOperator,amigBraces

syntax match amigOperator "==\|!=\|<=\|>=\|??\|->\|=>\|\.\.\|[-=<>+*/%?]"
syntax match amigCall "\<\h\w*\ze("
syntax match amigNumber "\<\d[0-9_]*\%(\.\d[0-9_]*\)\?\%([eE][+-]\?\d\+\)\?\>"
syntax match amigQuantity "\<\d[0-9_]*\%(\.\d[0-9_]*\)\?\%(ms\|[smhd]\|[KMGT]i\?B\|B\)\>"
syntax match amigVersion "\<\d\+\.\d\+\.\d\+\%(-[0-9A-Za-z-]\+\%(\.[0-9A-Za-z-]\+\)*\)\?"

" A word of a clause is one where something follows that a name would not have behind it.
syntax match amigClause "\.\@1<!\<\%(allow\|approval\|backoff\|batches\|body\|by\|catch\|columns\|complete\|const\|continue\|copy\|depends\|done\|doubt\|error\|every\|expect\|finally\|fn\|follow\|forward\|given\|halt\|healthcheck\|http\|idempotent\|include\|into\|irreversible\|leaves\|limit\|lock\|max\|migration\|min\|needs\|no\|nothing\|of\|on\|one\|operation\|operations\|parallel\|param\|pause\|per\|postcheck\|precheck\|reject\|replica\|required\|retry\|rollback\|run\|set\|setting\|settings\|shard\|size\|target\|test\|timeout\|transaction\|try\|type\|undo\|until\|use\|verify\|versions\|wait\|weight\|when\|with\|within\)\>\%(\s*{\|\s\+["A-Za-z0-9_[(-]\)\@=\%(\s\+\%(and\|as\|else\|in\|matches\|or\)\>\)\@!\%(\s\+-\s\)\@!"
syntax match amigReserved "\.\@1<!\<\%(and\|as\|else\|exec\|fail\|false\|for\|if\|in\|let\|log\|matches\|not\|null\|or\|progress\|require\|return\|sleep\|true\|var\|while\)\>\%(\s*:\)\@!"
syntax match amigConstant "\.\@1<!\<\%(true\|false\|null\)\>\%(\s*:\)\@!"
syntax match amigPhrase "\<in\s\+doubt\s\+undo\>\|\<continue\s\+on\s\+error\>"
syntax match amigPhrase "\<no\s\+transaction\>\|\<rollback\s\+nothing\>"
syntax match amigPhrase "\<idempotent\>\ze\s*\%([#}]\|$\)"

syntax match amigDeclaration "^\s*\%(fn\|operations\|use\|type\|const\|let\|var\|param\)\s\+\h\w*"
  \ contains=amigDeclarationWord
syntax match amigDeclarationWord "\<\%(fn\|operations\|use\|type\|const\|let\|var\|param\)\>\ze\s"
  \ contained
syntax match amigTypeOf "\%(\<as\>\|->\|:\)\s*\[*\s*\%(any\|bool\|bytes\|duration\|float\|ident\|int\|sql\|string\|timestamp\|version\|clickhouse\|postgres\|sqlite\|chdb\)\>\%(\s*[(."]\)\@!"
  \ contains=amigType,amigAs
syntax match amigAs "\<as\>" contained
syntax match amigType "\<\%(any\|bool\|bytes\|duration\|float\|ident\|int\|sql\|string\|timestamp\|version\|clickhouse\|postgres\|sqlite\|chdb\)\>"
  \ contained

syntax match amigComment "#.*$" contains=@Spell
syntax match amigDoc "##.*$" contains=@Spell

" Braces within a hole are counted, so that the hole ends at its own.
syntax region amigBraces matchgroup=Delimiter start="{" end="}" transparent
  \ contains=@amigCode
syntax region amigHole matchgroup=amigHoleEdge start="\${" end="}" contained contains=@amigCode
syntax match amigEscape "\\\%([nt"\\$]\|u{\x\+}\)" contained
syntax region amigString start=+"+ end=+"\|$+ contains=amigEscape,amigHole
syntax region amigText start=+"""+ end=+"""+ contains=amigEscape,amigHole

syntax region amigSql matchgroup=amigSqlEdge start=+\<sql"+ end=+"\|$+
  \ contains=@amigSqlCode
syntax region amigSqlText matchgroup=amigSqlEdge start=+\<sql"""+ end=+"""+
  \ contains=@amigSqlCode,amigSqlQuoted

syntax cluster amigSqlCode contains=amigHole,amigSqlEscape,amigSqlComment,amigSqlString,
  \amigSqlBacktick,amigSqlNumber,amigSqlConstant,amigSqlWord,amigSqlType,amigSqlCall,
  \amigSqlOperator
syntax match amigSqlOperator "::\|<>\|!=\|<=\|>=\|||\|[-=<>+*/%]" contained
syntax match amigSqlCall "\<\h\w*\ze\s*(" contained
syntax match amigSqlNumber "\<\d\+\%(\.\d\+\)\?\>" contained
syntax match amigSqlEscape +\\["$]+ contained
syntax match amigSqlComment +--[^"]*+ contained
syntax region amigSqlComment start=+/\*+ end=+\*/\|"\@=+ contained
syntax region amigSqlString start=+'+ skip=+''+ end=+'\|"\@=+ contained contains=amigHole
syntax match amigSqlBacktick +`[^`"]*`+ contained
syntax match amigSqlQuoted +"\@1<!"[^"]\+""\@!+ contained
syntax case ignore
syntax match amigSqlConstant "\<\%(true\|false\)\>" contained
syntax match amigSqlType "\.\@1<!\<\%(bigint\|bigserial\|blob\|bool\|boolean\|bytea\|char\|character\|date\|date32\|datetime\|datetime64\|decimal\|double\|enum8\|enum16\|fixedstring\|float\|float32\|float64\|float8\|int\|int2\|int4\|int8\|int16\|int32\|int64\|integer\|interval\|json\|jsonb\|lowcardinality\|nullable\|numeric\|real\|serial\|smallint\|string\|text\|time\|timestamp\|timestamptz\|tuple\|uint8\|uint16\|uint32\|uint64\|uuid\|varchar\)\>\.\@!" contained
syntax match amigSqlWord "\.\@1<!\<\%(add\|after\|all\|alter\|analyze\|and\|any\|array\|as\|asc\|attach\|begin\|between\|by\|cascade\|case\|cast\|check\|clear\|cluster\|collate\|column\|commit\|concurrently\|conflict\|constraint\|create\|cross\|current\|database\|default\|delete\|desc\|detach\|distinct\|do\|drop\|else\|end\|engine\|except\|exchange\|exists\|explain\|extension\|fetch\|filter\|final\|first\|following\|for\|foreign\|format\|freeze\|from\|full\|function\|global\|grant\|group\|having\|if\|ilike\|in\|index\|inner\|insert\|intersect\|into\|is\|join\|key\|last\|lateral\|left\|like\|limit\|lock\|materialize\|materialized\|modify\|move\|natural\|no\|not\|nothing\|null\|nulls\|of\|offset\|on\|only\|optimize\|or\|order\|outer\|over\|partition\|populate\|preceding\|prewhere\|primary\|range\|recursive\|references\|refresh\|reindex\|rename\|replace\|restrict\|returning\|revoke\|right\|rollback\|row\|rows\|sample\|savepoint\|schema\|select\|sequence\|set\|settings\|system\|table\|temporary\|then\|ties\|to\|transaction\|trigger\|truncate\|ttl\|type\|union\|unique\|update\|using\|vacuum\|valid\|validate\|values\|view\|when\|where\|window\|with\|without\)\>\.\@!" contained
syntax case match
syntax sync fromstart

highlight default link amigComment Comment
highlight default link amigDoc SpecialComment
highlight default link amigString String
highlight default link amigText String
highlight default link amigEscape SpecialChar
highlight default link amigHoleEdge Special
highlight default link amigNumber Number
highlight default link amigQuantity Number
highlight default link amigVersion Number
highlight default link amigConstant Constant
highlight default link amigReserved Statement
highlight default link amigClause Keyword
highlight default link amigPhrase Keyword
highlight default link amigDeclaration Identifier
highlight default link amigDeclarationWord Keyword
highlight default link amigAs Statement
highlight default link amigType Type
highlight default link amigCall Function
highlight default link amigOperator Operator
highlight default link amigSqlEdge Delimiter
highlight default link amigSqlWord Statement
highlight default link amigSqlType Type
highlight default link amigSqlCall Function
highlight default link amigSqlString String
highlight default link amigSqlBacktick Identifier
highlight default link amigSqlQuoted Identifier
highlight default link amigSqlNumber Number
highlight default link amigSqlConstant Constant
highlight default link amigSqlComment Comment
highlight default link amigSqlEscape SpecialChar
highlight default link amigSqlOperator Operator

let b:current_syntax = 'amig'

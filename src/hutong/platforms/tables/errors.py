"""Why a file as a whole cannot be read. Row by row refusals are ``RowRefused`` and stop nothing."""

from __future__ import annotations

from hutong.core.errors import ErrorText, InvalidInput


class FileRefused(InvalidInput):
    """Base: nothing of the file was taken. Details: ``name`` of the file and, where one is known, the ``row``."""

    code = "file_refused"
    zh = ErrorText("文件“{name}”无法导入。", "文件内容不是可以识别的订单表格。", "请从平台重新下载后再导入。")
    en = ErrorText(
        "The file “{name}” cannot be imported.",
        "Its content is no order table that is known here.",
        "Download it again from the platform.",
    )


class FileMissing(FileRefused):
    """No such file, or it may not be read."""

    code = "file_missing"
    zh = ErrorText("打不开文件“{name}”。", "文件不存在，或没有读取权限。", "请检查路径和权限。")
    en = ErrorText("The file “{name}” cannot be opened.", "It does not exist or may not be read.", "Check the path.")


class FileEmpty(FileRefused):
    """A header at most, and no row below it."""

    code = "file_empty"
    zh = ErrorText("文件“{name}”里没有数据行。", "文件为空，或只有表头。", "请检查导出时选择的时间范围。")
    en = ErrorText("The file “{name}” holds no row of data.", "It is empty, or has a header only.", "Check the export.")


class FileEncrypted(FileRefused):
    """A password stands before the content (or it is a workbook of the kind used before 2007)."""

    code = "file_encrypted"
    zh = ErrorText(
        "文件“{name}”已加密，或是旧版 xls 格式。",
        "平台导出的表格有时带有密码；旧版 xls 格式不受支持。",
        "请用表格软件输入密码打开，另存为不带密码的 .xlsx 或 .csv 后再导入。",
    )
    en = ErrorText(
        "The file “{name}” has a password or is an old .xls workbook.",
        "Platforms sometimes lock the workbook; the old .xls format is not supported.",
        "Open it with its password in a spreadsheet program and save it as .xlsx or .csv without one.",
    )


class FileIsPage(FileRefused):
    """A web page was saved instead of the export."""

    code = "file_is_page"
    zh = ErrorText(
        "文件“{name}”是网页，不是表格。", "下载时登录可能已失效，保存下来的是网页。", "请重新登录平台后再次下载。"
    )
    en = ErrorText(
        "The file “{name}” is a web page, not a table.",
        "The sign-in had probably expired, so that a page was saved.",
        "Sign in at the platform and download it again.",
    )


class FileKindUnknown(FileRefused):
    """Neither text, workbook, gzip nor zip."""

    code = "file_kind_unknown"
    zh = ErrorText("无法识别文件“{name}”的类型。", "内容不是 CSV、XLSX、gzip 或 zip。", "请导出为 CSV 或 XLSX。")
    en = ErrorText(
        "The kind of the file “{name}” is not known.", "It is no CSV, XLSX, gzip or zip.", "Export it as CSV or XLSX."
    )


class FileTooLarge(FileRefused):
    """A named limit was passed: ``limit`` says which, ``most`` how much is allowed."""

    code = "file_too_large"
    status = 413
    zh = ErrorText(
        "文件“{name}”超过上限：{limit}最多 {most}（第 {row} 行附近）。",
        "过大的文件会拖垮系统。",
        "请分成几个文件导入。",
    )
    en = ErrorText(
        "The file “{name}” passes a limit: at most {most} {limit} (near row {row}).",
        "Files that large would starve the machine.",
        "Split it into several files.",
    )


class ArchiveBomb(FileRefused):
    """A small archive that unpacks to something huge."""

    code = "archive_bomb"
    status = 413
    zh = ErrorText(
        "压缩文件“{name}”解压后异常庞大，已拒绝。", "压缩比超出正常订单文件的范围。", "请直接导入解压后的表格。"
    )
    en = ErrorText(
        "The archive “{name}” unpacks to something abnormally large and was refused.",
        "Its ratio is beyond that of any order file.",
        "Import the unpacked table itself.",
    )


class ArchiveNested(FileRefused):
    """An archive inside an archive."""

    code = "archive_nested"
    zh = ErrorText("压缩文件“{name}”里还有压缩文件。", "只支持一层压缩。", "请解压后导入里面的表格。")
    en = ErrorText(
        "The archive “{name}” holds another archive.", "Only one layer is unpacked.", "Unpack it and import the table."
    )


class FileBroken(FileRefused):
    """The content stops or turns wrong at ``row``."""

    code = "file_broken"
    zh = ErrorText(
        "文件“{name}”在第 {row} 行损坏，未导入任何内容。",
        "文件被截断或改动、下载不完整、引号没有配对、编码名不存在，或单元格里有空字符。",
        "请重新下载后再导入。",
    )
    en = ErrorText(
        "The file “{name}” is broken at row {row}; nothing was imported.",
        "It was cut off or changed, not downloaded whole, a quotation mark is not closed, it names an encoding that "
        "does not exist, or a cell holds a NUL character.",
        "Download it again.",
    )


class EntitiesRefused(FileRefused):
    """A part of a workbook declares a document type or entities: a few bytes that can stand for gigabytes."""

    code = "file_entities"
    zh = ErrorText(
        "工作簿“{name}”在第 {row} 行附近声明了文档类型或实体，已拒绝，未导入任何内容。",
        "表格软件不会写这种声明；它能让很小的文件展开成海量内容，常用于攻击。",
        "请不要打开来源不明的文件；从平台重新下载后再导入。",
    )
    en = ErrorText(
        "The workbook “{name}” declares a document type or entities near row {row} and was refused; "
        "nothing was imported.",
        "No spreadsheet program writes these; they let a small file grow without end, as attacks do.",
        "Do not open a file whose origin you do not know; download it again from the platform.",
    )


class EncodingUnknown(FileRefused):
    """The bytes are no text in an encoding that is known here; ``row``: as far as they could be read."""

    code = "encoding_unknown"
    zh = ErrorText(
        "文件“{name}”第 {row} 行的文字编码无法识别，未导入任何内容。",
        "内容不是 UTF-8、UTF-16 或 GB18030，或这一行的文字已损坏。",
        "请修好这一行，或另存为 UTF-8 的 CSV。",
    )
    en = ErrorText(
        "The encoding of the file “{name}” is not known at row {row}; nothing was imported.",
        "It is neither UTF-8, UTF-16, GB18030 nor Windows-1252, or the text of that row is damaged.",
        "Repair that row, or save the file as CSV in UTF-8.",
    )


class HeaderNotFound(FileRefused):
    """None of the first rows is a header that the platform's reader knows."""

    code = "header_not_found"
    zh = ErrorText(
        "在文件“{name}”的前 {rows} 行中找不到平台 {platform} 的订单表头。",
        "文件不属于这个平台，或导出时去掉了必要的列。",
        "请检查 --platform，导出时保留订单编号、时间和金额列。",
    )
    en = ErrorText(
        "No header of an order file of {platform} in the first {rows} rows of “{name}”.",
        "It belongs to another platform, or needed columns were left out.",
        "Check --platform; export with order number, time and amounts.",
    )

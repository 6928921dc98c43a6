"""The types of files that can be taken, each known by its content; its name must only fit. Knows no Django."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """A type: its media type, the suffixes of its names, and what people call it."""

    media_type: str
    suffixes: tuple[str, ...]
    zh: str
    en: str


TYPES = {
    "pdf": Type("application/pdf", ("pdf",), "PDF", "PDF"),
    "png": Type("image/png", ("png",), "PNG 图像", "PNG image"),
    "jpeg": Type("image/jpeg", ("jpg", "jpeg"), "JPEG 图像", "JPEG image"),
    "tiff": Type("image/tiff", ("tif", "tiff"), "TIFF 图像", "TIFF image"),
    "webp": Type("image/webp", ("webp",), "WebP 图像", "WebP image"),
    "docx": Type(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ("docx",), "Word 文档", "Word document"
    ),
    "xlsx": Type(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ("xlsx",), "Excel 表格", "Excel workbook"
    ),
    "dwg": Type("image/vnd.dwg", ("dwg",), "DWG 图纸", "DWG drawing"),
    "dxf": Type("image/vnd.dxf", ("dxf",), "DXF 图纸", "DXF drawing"),
    "ifc": Type("application/x-step", ("ifc",), "IFC 建筑模型", "IFC building model"),
    "csv": Type("text/csv", ("csv",), "CSV 表格", "CSV table"),
    "gpkg": Type("application/geopackage+sqlite3", ("gpkg",), "GeoPackage 图层", "GeoPackage"),
    "zip": Type("application/zip", ("zip",), "ZIP 压缩包", "ZIP archive"),
}

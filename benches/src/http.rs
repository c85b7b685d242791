//! As much of HTTP/1.1 as a Runtime API and a stand-in for AWS need of their clients' requests.

use std::io::{self, BufRead};

/// A request.
pub struct Request {
    /// The path.
    pub path: String,
    /// The header `x-amz-target`, which names an AWS operation.
    pub target: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// Bytes of all of it.
    pub bytes: usize,
}

/// Reads one request; `None` when the client has closed the connection.
pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    let mut bytes = reader.read_line(&mut line)?;
    if bytes == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut chunked, mut target) = (0, false, None);
    loop {
        line.clear();
        bytes += reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            "x-amz-target" => target = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            line.clear();
            bytes += reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            let start = body.len();
            body.resize(start + length, 0);
            reader.read_exact(&mut body[start..])?;
            line.clear();
            bytes += length + reader.read_line(&mut line)?;
            if length == 0 {
                break;
            }
        }
    } else {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        bytes += length;
    }
    Ok(Some(Request { path, target, body, bytes }))
}

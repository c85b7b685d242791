//! The file of an import: tidy and untidy lines are understood, and what cannot be kept is refused by its line, without the secret.

#[cfg(test)]
mod tests {
    use operator::import::file::{Entry, LONGEST_LINE, Line, parse};
    use operator::import::key_uri::KeyUri;
    use operator::import::problem::Problem;
    use shared::totp::{Algorithm, Digits, Parameters, Period};

    /// 80 bits, as the first key URIs had.
    const EIGHTY_BITS: &str = "JBSWY3DPEHPK3PXP";
    /// `plainly fake secret!`
    const SECRET: &str = "OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB";
    const PLAINLY_FAKE: &[u8] = b"plainly fake secret!";

    #[track_caller]
    fn uri(text: &str) -> KeyUri {
        KeyUri::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[track_caller]
    fn is_plainly_fake(text: &str) {
        assert_eq!(uri(text).secret.expose(), PLAINLY_FAKE, "{text}");
    }

    #[track_caller]
    fn refused(text: &str) -> Problem {
        KeyUri::parse(text).map(|uri| uri.parameters).unwrap_err()
    }

    fn with_secret(secret: &str) -> String {
        format!("otpauth://totp/Example:ana?secret={secret}&issuer=Example")
    }

    #[test]
    fn a_secret_of_80_bits_is_kept() {
        assert_eq!(uri(&with_secret(EIGHTY_BITS)).secret.expose(), b"Hello!\xDE\xAD\xBE\xEF");
    }

    #[test]
    fn a_secret_in_lower_or_mixed_case_is_kept() {
        is_plainly_fake(&with_secret(&SECRET.to_lowercase()));
        is_plainly_fake(&with_secret("obwgc2lonr4SAZTBNNSSA43fmnzgk5bb"));
    }

    #[test]
    fn padding_of_a_secret_is_left_out_however_it_is_written() {
        let unpadded = uri(&with_secret("ONSWG4TFOQQG6ZRAGE3SAYI")).secret;
        assert_eq!(unpadded.expose(), b"secret of 17 a");
        for padding in ["=", "======", "%3D", "%3d%3d", "%253D"] {
            let padded = uri(&with_secret(&format!("ONSWG4TFOQQG6ZRAGE3SAYI{padding}"))).secret;
            assert_eq!(padded.expose(), unpadded.expose(), "{padding}");
        }
    }

    #[test]
    fn groups_of_a_secret_may_be_separated() {
        for separator in [" ", "%20", "+", "%2B", "-", "\u{a0}", "%C2%A0"] {
            is_plainly_fake(&with_secret(&format!("OBWG{separator}C2LO{separator}NR4SAZTBNNSSA43FMNZGK5BB")));
        }
    }

    #[test]
    fn a_secret_of_any_length_is_kept_and_its_odd_bits_are_dropped() {
        let whole = uri(&with_secret("MZXW6YTBOJTG633CMFZGM33P")).secret;
        assert_eq!(whole.expose(), b"foobarfoobarfoo");
        for length in 16..24 {
            let shorter =
                uri(&with_secret(&"MZXW6YTBOJTG633CMFZGM33P".chars().take(length).collect::<String>())).secret;
            assert_eq!(shorter.expose(), &whole.expose()[..length * 5 / 8], "{length}");
        }
        // As Google's secrets of 26 characters: two bits are left.
        assert_eq!(uri(&with_secret("a6mryljlbufszudtjdt42nh5by")).secret.expose().len(), 16);
    }

    #[test]
    fn an_issuer_without_a_value_is_none() {
        for tail in ["&issuer", "&issuer=", "&issuer&period=30", "&issuer=%20"] {
            let uri = uri(&format!("otpauth://totp/ana?secret={SECRET}{tail}"));
            assert_eq!((uri.issuer, uri.parameters), (None, Parameters::default()), "{tail}");
        }
    }

    #[test]
    fn an_issuer_is_found_in_the_label_or_the_parameter() {
        for (text, issuer) in [
            (format!("otpauth://totp/Example:ana?secret={SECRET}"), Some("Example")),
            (format!("otpauth://totp/Example%3Aana?secret={SECRET}"), Some("Example")),
            (format!("otpauth://totp/Example%3a%20ana?secret={SECRET}&issuer"), Some("Example")),
            (format!("otpauth://totp/ana?secret={SECRET}&issuer=Example"), Some("Example")),
            (format!("otpauth://totp/Other:ana?secret={SECRET}&issuer=Example"), Some("Example")),
            (format!("otpauth://totp/ana?secret={SECRET}"), None),
            (format!("otpauth://totp/?secret={SECRET}"), None),
            (format!("otpauth://totp?secret={SECRET}"), None),
            (format!("otpauth://totp/:ana?secret={SECRET}"), None),
        ] {
            let uri = uri(&text);
            assert_eq!((uri.issuer.as_deref(), uri.secret.expose()), (issuer, PLAINLY_FAKE), "{text}");
        }
    }

    #[test]
    fn unescaped_spaces_and_other_scripts_are_read_as_they_are() {
        for text in [
            format!("otpauth://totp/Example Corp:ana ng@example.com?secret={SECRET}&issuer=Example Corp"),
            format!("otpauth://totp/Example%20Corp:ana?secret={SECRET}&issuer=Example+Corp"),
            format!("  otpauth://totp/Example Corp: ana?secret={SECRET} & issuer= Example Corp \t"),
        ] {
            assert_eq!(uri(&text).issuer.as_deref(), Some("Example Corp"), "{text}");
            is_plainly_fake(&text);
        }
        assert_eq!(uri(&format!("otpauth://totp/日本:ana?secret={SECRET}")).issuer.as_deref(), Some("日本"));
    }

    #[test]
    fn parameters_come_in_any_case_and_order() {
        let expected =
            Parameters { algorithm: Algorithm::Sha256, digits: Digits::Eight, period: Period::seconds(60).unwrap() };
        for text in [
            format!("otpauth://totp/a?secret={SECRET}&algorithm=SHA256&digits=8&period=60"),
            format!("OTPAUTH://TOTP/a?PERIOD=60&Digits=8&Secret={SECRET}&ALGORITHM=sha256"),
            format!("otpauth://totp/a?period=60&algorithm=HmacSHA256&digits=8&secret={SECRET}"),
            format!("otpauth://totp/a?period=60&amp;algorithm=SHA-256&amp;digits=8&amp;secret={SECRET}"),
            format!("otpauth://totp/a?&&period=060&algorithm=SHA_256&digits=08&&secret={SECRET}&"),
        ] {
            let uri = uri(&text);
            assert_eq!((uri.parameters, uri.secret.expose()), (expected, PLAINLY_FAKE), "{text}");
        }
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let text =
            format!("otpauth://totp/a?color=ff0000&image=https%3A%2F%2Fexample.com&secret={SECRET}&counter=0&lock");
        assert_eq!(uri(&text).parameters, Parameters::default());
    }

    #[test]
    fn periods_from_15_to_120_seconds_are_kept() {
        for (seconds, is_kept) in
            [("14", false), ("15", true), ("120", true), ("121", false), ("0", false), ("-30", false)]
        {
            let parsed = KeyUri::parse(&format!("{}&period={seconds}", with_secret(SECRET)));
            assert_eq!(parsed.is_ok(), is_kept, "{seconds}");
            assert_eq!(parsed.map(|_| ()).err(), (!is_kept).then_some(Problem::Period));
        }
        for not_a_number in ["30s", "thirty", "30.0", "1e1", "99999999999999999999"] {
            assert_eq!(refused(&format!("{}&period={not_a_number}", with_secret(SECRET))), Problem::Period);
        }
    }

    #[test]
    fn what_is_no_totp_is_refused() {
        for (text, problem) in [
            (format!("otpauth://hotp/a?secret={SECRET}&counter=1"), Problem::Hotp),
            (format!("otpauth://steam/a?secret={SECRET}"), Problem::Steam),
            (format!("steam://{SECRET}"), Problem::Steam),
            (format!("otpauth://totp/Steam:a?secret={SECRET}&encoder=steam"), Problem::Steam),
            (format!("otpauth://totp/a?secret={SECRET}&digits=5"), Problem::Digits),
            (format!("otpauth://totp/a?secret={SECRET}&digits=7"), Problem::Digits),
            (format!("otpauth://totp/a?secret={SECRET}&digits=10"), Problem::Digits),
            (format!("otpauth://totp/a?secret={SECRET}&algorithm=MD5"), Problem::Md5),
            (format!("otpauth://totp/a?secret={SECRET}&algorithm=HmacMD5"), Problem::Md5),
            (format!("otpauth://totp/a?secret={SECRET}&algorithm=SHA3"), Problem::Algorithm),
            (format!("otpauth://totp/a?secret={SECRET}&algorithm=-"), Problem::Algorithm),
            (format!("otpauth://yaotp/a?secret={SECRET}"), Problem::Type),
            (format!("otpauth:///a?secret={SECRET}"), Problem::Type),
            ("otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8".to_owned(), Problem::Migration),
            (format!("https://example.com/?secret={SECRET}"), Problem::NotAKeyUri),
            (SECRET.to_owned(), Problem::NotAKeyUri),
        ] {
            assert_eq!(refused(&text), problem, "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_missing_short_long_or_not_base32_is_refused() {
        for (secret, problem) in [
            ("", Problem::NoSecret),
            ("====", Problem::NoSecret),
            ("JBSWY3DPEHPK3PX", Problem::SecretTooShort),
            (&"A".repeat(205), Problem::SecretTooLong.clone()),
            ("JBSWY3DPEHPK3PX1", Problem::NotBase32),
            ("JBSWY3DPEHPK3PX0", Problem::NotBase32),
            ("JBSWY3DPEHPK3PX8", Problem::NotBase32),
            ("JBSWY3DP=EHPK3PXP", Problem::NotBase32),
            ("JBSWY3DPEHPK3PX%", Problem::NotBase32),
            ("JBSWY3DPEHPK3PX%FF", Problem::NotUtf8),
            ("JBSWY3DPEHPK3PX%00", Problem::Nul),
            ("JBSWY3DPEHPK3PXÄ", Problem::NotBase32),
        ] {
            // The last is 204 digits of 5 bits for 127 bytes, and one more for the 128th.
            let parsed = KeyUri::parse(&with_secret(secret)).map(|uri| uri.secret.expose().len());
            if secret.len() == 205 {
                assert_eq!(parsed, Ok(128));
                assert_eq!(refused(&with_secret(&"A".repeat(207))), problem);
            } else {
                assert_eq!(parsed, Err(problem), "{secret}");
            }
        }
        assert_eq!(refused("otpauth://totp/a"), Problem::NoSecret);
        assert_eq!(refused("otpauth://totp/a?issuer=Example"), Problem::NoSecret);
    }

    #[test]
    fn a_parameter_that_is_there_twice_is_refused_rather_than_guessed() {
        assert_eq!(refused(&format!("{}&secret={EIGHTY_BITS}", with_secret(SECRET))), Problem::Twice("secret"));
        assert_eq!(refused(&format!("{}&digits=6&DIGITS=8", with_secret(SECRET))), Problem::Twice("digits"));
        assert_eq!(uri(&format!("{}&digits=8&digits=", with_secret(SECRET))).parameters.digits, Digits::Eight);
    }

    // ── Files

    fn entries(file: &str) -> Vec<Entry> {
        parse(file.as_bytes())
            .into_iter()
            .map(|Line { number, entry }| entry.unwrap_or_else(|p| panic!("{number}: {p}")))
            .collect()
    }

    fn problems(file: &[u8]) -> Vec<(u64, Problem)> {
        parse(file).into_iter().filter_map(|Line { number, entry }| Some((number, entry.err()?))).collect()
    }

    #[test]
    fn csv_with_uris_is_read() {
        let file = format!(
            "user,uri,name\nana,otpauth://totp/a?secret={SECRET},Ana's phone\n\"b,en\",\"otpauth://totp/a?secret={EIGHTY_BITS}\",\n"
        );
        let [ana, ben] = <[Entry; 2]>::try_from(entries(&file)).unwrap();
        assert_eq!((ana.user.as_str(), ana.secret.expose()), ("ana", PLAINLY_FAKE));
        assert_eq!(ana.name.unwrap().as_str(), "Ana's phone");
        assert_eq!((ben.user.as_str(), ben.name), ("b,en", None));
    }

    #[test]
    fn csv_with_secrets_is_read_in_any_order_of_columns() {
        for (delimiter, line_end) in [(",", "\n"), (";", "\r\n"), ("\t", "\n")] {
            let rows = [
                ["issuer", "Username", " algorithm ", "DIGITS", "period", "secret"],
                ["Authelia", "ana", "SHA256", "8", "60", SECRET],
                ["", "ben", "", "", "", SECRET],
            ];
            let file = format!("\u{feff}{}", rows.map(|row| row.join(delimiter)).join(line_end));
            let [ana, ben] = <[Entry; 2]>::try_from(entries(&file)).unwrap();
            let period = Period::seconds(60).unwrap();
            assert_eq!(ana.parameters, Parameters { algorithm: Algorithm::Sha256, digits: Digits::Eight, period });
            assert_eq!((ana.issuer.as_deref(), ana.secret.expose()), (Some("Authelia"), PLAINLY_FAKE));
            assert_eq!((ben.user.as_str(), ben.parameters, ben.issuer), ("ben", Parameters::default(), None));
        }
    }

    #[test]
    fn a_secret_as_text_is_the_key_itself() {
        let file = "user,secret,encoding\na,plainly fake secret!,text\nb,OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB,BASE32\n\
                c,plainly,Text\nd,cGxhaW5seQ==,base64\n";
        let [a, b] = [0, 1].map(|line| parse(file.as_bytes()).remove(line).entry.unwrap());
        assert_eq!((a.secret.expose(), b.secret.expose()), (PLAINLY_FAKE, PLAINLY_FAKE));
        assert_eq!(problems(file.as_bytes()), [(4, Problem::SecretTooShort), (5, Problem::Encoding)]);
    }

    #[test]
    fn json_lines_are_read() {
        let file = format!(
            "{{\"user\":\"ana\",\"uri\":\"otpauth://totp/a?secret={SECRET}\"}}\r\n\n\
         {{\"user\":\"ben\",\"secret\":\"{SECRET}\",\"algorithm\":\"HmacSHA1\",\"digits\":8,\"period\":\"30\",\"type\":\"totp\",\"name\":null}}\n"
        );
        let [ana, ben] = <[Entry; 2]>::try_from(entries(&file)).unwrap();
        assert_eq!((ana.user.as_str(), ana.parameters), ("ana", Parameters::default()));
        assert_eq!(ben.parameters, Parameters { digits: Digits::Eight, ..Parameters::default() });
    }

    #[test]
    fn errors_have_the_number_of_their_line() {
        let file = format!(
            "user,secret,name\n\nana,{SECRET},\"two\nlines\"\nben,short,\n\n  , ,\ncleo,{SECRET}\ndora,{SECRET},,\n,{SECRET},\nfay,,\n"
        );
        let expected = [
            (5, Problem::NotBase32),
            (8, Problem::FieldCount),
            (9, Problem::FieldCount),
            (10, Problem::NoUser),
            (11, Problem::NoSecret),
        ];
        // "short" has an o, which base32 has, and no digit 0; s, h, o, r, t are all base32, but too few.
        let found = problems(file.as_bytes());
        assert_eq!(found[0], (5, Problem::SecretTooShort));
        assert_eq!(found[1..], expected[1..]);
    }

    #[test]
    fn hostile_lines_are_refused_one_by_one() {
        let long = "A".repeat(1 << 20);
        let good = format!("ana,{SECRET},\n");
        let mut file = format!("user,secret,name\n{good}ben,{long},\n{good}").into_bytes();
        file.extend_from_slice(b"cleo,JBSWY3DPEHPK3PXP,\0\n");
        file.extend_from_slice(b"dora,JBSWY3DPEHPK3PXP,\xFF\n");
        file.extend_from_slice(format!("emil,{SECRET}{},\n", ",".repeat(100)).as_bytes());
        file.extend_from_slice(good.as_bytes());
        file.extend_from_slice(b"fay,\"JBSWY3DPEHPK3PXP,\nand so on\n");
        file.extend_from_slice(&vec![b'x'; 2 * LONGEST_LINE]);
        assert_eq!(
            problems(&file),
            [
                (3, Problem::LineTooLong),
                (5, Problem::Nul),
                (6, Problem::NotUtf8),
                (7, Problem::FieldCount),
                (9, Problem::LineTooLong),
            ]
        );
        assert_eq!(parse(&file).len(), 8);

        let long = format!(
            "{{\"user\":\"ana\",\"uri\":\"{long}\"}}\n{{\"user\":\"\\u0000\",\"secret\":\"{SECRET}\"}}\n{{\"user\":\n[]\n"
        );
        let expected = [(1, Problem::LineTooLong), (2, Problem::Nul), (3, Problem::NotJson), (4, Problem::NotJson)];
        assert_eq!(problems(long.as_bytes()), expected);
    }

    #[test]
    fn a_header_that_is_not_understood_stops_everything_and_is_not_repeated() {
        for (header, problem) in [
            (&*format!("ana,{SECRET}"), Problem::Header(1)),
            ("user,secret,secret", Problem::Header(3)),
            ("user,username,secret", Problem::Header(2)),
            ("user,uri,perid", Problem::Header(3)),
            ("secret,digits", Problem::NoColumn("user")),
            ("user,digits", Problem::NoColumn("uri or secret")),
            ("", Problem::NoColumn("user")),
            ("u\0s\0e\0r\0", Problem::Nul),
        ] {
            let file = format!("{header}\nana,{SECRET},x\n");
            let found = parse(file.as_bytes());
            if header.is_empty() {
                // The first line that is there is the header.
                assert_eq!(problems(file.as_bytes()), [(2, Problem::Header(1))]);
                assert_eq!(problems(b""), [(1, problem)]);
                continue;
            }
            assert_eq!(problems(file.as_bytes()), [(1, problem)], "{header}");
            assert!(!format!("{found:?}").contains("OBWGC2"), "{header}");
        }
        assert_eq!(problems(b"{\"user\":\"ana\",\"perid\":60}"), [(1, Problem::NotJson)]);
    }

    #[test]
    fn a_uri_and_what_belongs_into_it_are_refused_together() {
        let file = format!(
            "user,uri,secret,digits\nana,otpauth://totp/a?secret={SECRET},{SECRET},\nben,otpauth://totp/a?secret={SECRET},,8\n"
        );
        assert_eq!(problems(file.as_bytes()), [(2, Problem::UriAndMore), (3, Problem::UriAndMore)]);
    }

    #[test]
    fn neither_lines_nor_problems_show_a_secret() {
        let mut file = format!("user,uri,secret,digits,name\na,otpauth://totp/x?secret={SECRET},,,\nb,,{SECRET},,\n");
        for uri in
            ["hotp/a?secret=", "totp/a?digits=7&secret=", "totp/a?algorithm=", "totp/a?period=", "totp/a?digits="]
        {
            file.push_str(&format!("c,otpauth://{uri}{SECRET},,,\n"));
        }
        file.push_str(&format!("d,{SECRET},,,\ne,,,{SECRET},\nf,,{SECRET}1,,\ng,,{SECRET},,,,,\n"));
        let lines = parse(file.as_bytes());
        assert_eq!(lines.len(), 11);
        for line in &lines {
            let shown = match &line.entry {
                Ok(entry) => format!("{entry:?}"),
                Err(problem) => format!("{problem} {problem:?} {}", problem.code()),
            };
            assert!(!shown.to_uppercase().contains("OBWGC2"), "{shown}");
        }
    }

    #[test]
    fn any_bytes_are_parsed_without_a_panic() {
        let seed = format!("user,uri\nana,otpauth://totp/a?secret={SECRET}\n\"b\"\"\",\"x\"\n").into_bytes();
        let json = format!("{{\"user\":\"ana\",\"uri\":\"otpauth://totp/a?secret={SECRET}\"}}\n").into_bytes();
        for whole in [seed, json] {
            for place in 0..whole.len() {
                for byte in [0, b'"', b',', b'\n', b'\r', b'%', b'=', b'{', 0xFF, 0xE2] {
                    let mut changed = whole.clone();
                    changed[place] = byte;
                    let _ = parse(&changed);
                    changed.truncate(place + 1);
                    let _ = parse(&changed);
                }
            }
        }
    }

    // ── Other systems' exports, through the lines of docs/import.md.

    /// The command of the documentation that begins with `jq` and reads `file`, run over its text.
    fn by_jq(file: &str, text: &str) -> Option<Vec<u8>> {
        let documentation = include_str!("../../docs/import.md");
        let command = documentation.lines().find(|line| line.starts_with("jq ") && line.contains(file)).unwrap();
        if std::process::Command::new("jq").arg("--version").output().is_err() {
            println!("skipped: there is no jq to run {command}");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("import-{}-{file}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), text).unwrap();
        let ran = std::process::Command::new("sh").args(["-c", command]).current_dir(&folder).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let written = std::fs::read(folder.join(command.rsplit_once("> ").unwrap().1)).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        Some(written)
    }

    /// As `kc.sh export` writes it; shortened.
    const KEYCLOAK: &str = r#"{
  "realm": "example",
  "users": [
    { "username": "ana", "email": "ana@example.com", "credentials": [
      { "type": "password", "secretData": "{\"value\":\"x\",\"salt\":\"y\",\"additionalParameters\":{}}",
        "credentialData": "{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{}}" },
      { "id": "34389672", "type": "otp", "userLabel": "Ana's phone", "createdDate": 1767605202060,
        "secretData": "{\"value\":\"plainly fake secret!\"}",
        "credentialData": "{\"subType\":\"totp\",\"digits\":6,\"counter\":0,\"period\":30,\"algorithm\":\"HmacSHA1\"}" } ] },
    { "username": "ben", "credentials": [
      { "type": "otp", "secretData": "{\"value\":\"OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB\"}",
        "credentialData": "{\"subType\":\"totp\",\"digits\":8,\"counter\":0,\"period\":60,\"algorithm\":\"HmacSHA256\",\"secretEncoding\":\"BASE32\"}" } ] },
    { "username": "cleo", "credentials": [
      { "type": "otp", "secretData": "{\"value\":\"plainly fake secret!\"}",
        "credentialData": "{\"subType\":\"hotp\",\"digits\":6,\"counter\":7,\"period\":30,\"algorithm\":\"HmacSHA1\"}" } ] },
    { "username": "dora", "credentials": [] },
    { "username": "service-account-x" }
  ]
}"#;

    #[test]
    fn a_keycloak_realm_becomes_a_file_by_the_documented_line_of_jq() {
        let Some(written) = by_jq("realm.json", KEYCLOAK) else { return };
        let mut lines = parse(&written).into_iter();
        let [ana, ben, cleo] = [(); 3].map(|()| lines.next().unwrap().entry);
        assert!(lines.next().is_none());
        let (ana, ben) = (ana.unwrap(), ben.unwrap());
        assert_eq!(
            (ana.user.as_str(), ana.secret.expose(), ana.parameters),
            ("ana", PLAINLY_FAKE, Parameters::default())
        );
        assert_eq!(ana.name.unwrap().as_str(), "Ana's phone");
        let parameters =
            Parameters { algorithm: Algorithm::Sha256, digits: Digits::Eight, period: Period::seconds(60).unwrap() };
        assert_eq!((ben.user.as_str(), ben.secret.expose(), ben.parameters), ("ben", PLAINLY_FAKE, parameters));
        assert_eq!(cleo.unwrap_err(), Problem::Hotp);
    }

    /// As `authelia storage user totp export csv` writes it.
    const AUTHELIA: &str = "issuer,username,algorithm,digits,period,secret\n\
                        Authelia,ana,SHA1,6,30,OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB\n\
                        Authelia,ben,SHA512,8,60,OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB\n";

    #[test]
    fn an_authelia_export_is_read_as_it_is_and_by_the_documented_line_of_jq() {
        let changed = by_jq("authelia.csv", AUTHELIA);
        for (written, domain) in [(Some(AUTHELIA.as_bytes().to_vec()), ""), (changed, "@example.com")] {
            let Some(written) = written else { continue };
            let [ana, ben] = <[Entry; 2]>::try_from(entries(std::str::from_utf8(&written).unwrap())).unwrap();
            assert_eq!((ana.user, ana.parameters), (format!("ana{domain}"), Parameters::default()));
            assert_eq!((ana.issuer.as_deref(), ana.secret.expose()), (Some("Authelia"), PLAINLY_FAKE));
            let parameters = Parameters {
                algorithm: Algorithm::Sha512,
                digits: Digits::Eight,
                period: Period::seconds(60).unwrap(),
            };
            assert_eq!((ben.user, ben.parameters), (format!("ben{domain}"), parameters));
        }
    }
}

use super::*;

fn policy(allow: &[&str]) -> Policy {
    Policy::new(allow.iter().map(|net| net.parse().unwrap()).collect())
}

fn judge(allow: &[&str], url: &str) -> Result<(), String> {
    let target = TargetUrl::parse(url).unwrap();
    policy(allow).judge(&target).map_err(|refusal| refusal.rule().to_string())
}

#[test]
fn the_allow_list_opens_what_it_names() {
    const ALL: [&str; 2] = ["0.0.0.0/0", "::/0"];
    for (name, allow, url, allowed) in [
        ("loopback is closed", &[][..], "http://127.0.0.1:9000/", false),
        ("loopback by its network", &["127.0.0.0/8"], "http://127.0.0.1:9000/", true),
        ("loopback by one address", &["127.0.0.1/32"], "http://127.0.0.1:9000/", true),
        ("another address than the one named", &["127.0.0.1/32"], "http://127.0.0.2/", false),
        ("loopback in disguise", &["127.0.0.0/8"], "http://[::ffff:127.0.0.1]/", false),
        ("disguise by its network", &["::ffff:0:0/96"], "http://[::ffff:127.0.0.1]/", true),
        ("private by its network", &["10.0.0.0/8"], "http://10.1.2.3/", true),
        ("private by a part of it", &["10.1.0.0/16"], "http://10.1.2.3/", true),
        ("private by another part of it", &["10.2.0.0/16"], "http://10.1.2.3/", false),
        ("private by everything", &ALL, "http://10.1.2.3/", true),
        ("private, behind NAT64", &["10.0.0.0/8"], "http://[64:ff9b::10.1.2.3]/", true),
        ("host bits do not matter", &["10.9.9.9/8"], "http://10.1.2.3/", true),
        ("forbidden is not opened by everything", &ALL, "http://127.0.0.1/", false),
        ("metadata is not opened by everything", &ALL, "http://169.254.169.254/", false),
        ("metadata within ULA", &["fc00::/7"], "http://[fd00:ec2::254]/", false),
        ("ULA beside it", &["fc00::/7"], "http://[fd00:ec3::254]/", true),
        ("metadata by its address", &["169.254.169.254/32"], "http://169.254.169.254/", true),
        ("a port is not opened by anything", &["10.0.0.0/8"], "http://10.1.2.3:25/", false),
    ] {
        assert_eq!(judge(allow, url).is_ok(), allowed, "{name}");
    }
}

#[test]
fn a_name_is_judged_before_it_is_looked_up() {
    let loopback = &["127.0.0.0/8", "::1/128"][..];
    for (name, allow, url, allowed) in [
        ("a public name", &[][..], "https://example.com/", true),
        ("localhost is closed", &[], "http://localhost:9000/", false),
        ("localhost where loopback is open", loopback, "http://localhost:9000/", true),
        ("below localhost", loopback, "http://a.localhost.:9000/", true),
        ("localhost where half of it is open", &["127.0.0.0/8"], "http://localhost/", true),
        ("localhost where another network is open", &["10.0.0.0/8"], "http://localhost/", false),
        ("one label", &[], "http://receiver/", false),
        ("one label where loopback is open", loopback, "http://receiver/", false),
        ("one label where a network is open", &["172.16.0.0/12"], "http://receiver/", true),
        ("an inner name", &[], "http://metadata.google.internal/", false),
        ("an empty label", &["10.0.0.0/8"], "http://a..example.com/", false),
    ] {
        assert_eq!(judge(allow, url).is_ok(), allowed, "{name}");
    }
}

#[test]
fn a_name_is_judged_by_all_that_it_leads_to() {
    let inner = &["10.0.0.0/8"][..];
    for (name, allow, host, addresses, allowed) in [
        ("public addresses", &[][..], "example.com", &["1.1.1.1", "2606:4700::1111"][..], true),
        ("one of two is private", &[], "example.com", &["1.1.1.1", "10.0.0.1"], false),
        ("private and open", inner, "example.com", &["1.1.1.1", "10.0.0.1"], true),
        ("an inner name leads to an open network", inner, "db", &["10.0.0.1"], true),
        ("an inner name leads out", inner, "db", &["10.0.0.1", "1.1.1.1"], false),
        ("an inner name leads to loopback", inner, "db.localdomain", &["127.0.0.1"], false),
        ("an inner name, behind NAT64", inner, "db", &["64:ff9b::a00:1"], true),
    ] {
        let addresses: Vec<_> =
            addresses.iter().map(|it| SocketAddr::new(it.parse().unwrap(), 0)).collect();
        assert_eq!(policy(allow).judge_resolved(host, &addresses).is_ok(), allowed, "{name}");
    }
}

#[test]
fn localhost_leads_to_as_much_of_loopback_as_is_open() {
    let leads = |allow: &[&str], name: &str| {
        let found = policy(allow).localhost(name)?;
        Some(found.into_iter().map(|it| it.ip().to_string()).collect::<Vec<_>>())
    };
    assert_eq!(leads(&["127.0.0.0/8"], "localhost").unwrap(), ["127.0.0.1"]);
    assert_eq!(leads(&["127.0.0.0/8", "::1/128"], "a.localhost").unwrap(), ["127.0.0.1", "::1"]);
    assert!(leads(&[], "localhost").unwrap().is_empty());
    assert_eq!(leads(&["127.0.0.0/8"], "example.com"), None);
}

#[test]
fn a_refusal_tells_callers_nothing_and_the_log_everything() {
    let target = TargetUrl::parse("http://user:pass@10.1.2.3/?token=t").unwrap();
    let refusal = policy(&[]).judge(&target).unwrap_err();
    assert_eq!(refusal.to_string(), "target not allowed");
    assert_eq!(refusal.host(), "10.1.2.3");
    assert_eq!(refusal.rule().to_string(), "10.1.2.3 is in 10.0.0.0/8: private");
}

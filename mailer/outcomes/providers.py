"""Tell which provider receives the mail of a domain.

Providers judge mail by the reputation that a sender has with all of their domains, so figures are kept per provider.
Domains of companies are not listed, wherever they are hosted: they are in the group of all other domains.
"""

from __future__ import annotations

from typing import Final

REST: Final = "rest"

DOMAINS: Final[dict[str, str]] = {
    "google": "gmail.com googlemail.com google.com",
    "microsoft": "windowslive.com passport.com hotmail.co.th hotmail.co.nz live.com.pt outlook.sa",
    # AOL and the mailboxes of Verizon have been Yahoo's since 2017.
    "yahoo": "ymail.com rocketmail.com myyahoo.com aol.com aim.com aol.de aol.fr aol.co.uk aol.it aol.es aol.nl aol.be "
    "aol.at aol.in aol.com.br aol.com.ar aol.com.au aol.jp netscape.net love.com games.com wow.com verizon.net",
    "yahoo-japan": "yahoo.co.jp ybb.ne.jp",
    "apple": "icloud.com me.com mac.com privaterelay.appleid.com",
    "gmx": "web.de mail.com email.com 1und1.de online.de email.de caramail.com caramail.fr usa.com post.com europe.com "
    "consultant.com engineer.com myself.com dr.com",
    "t-online": "t-online.de magenta.de",
    "freenet": "freenet.de freenetmail.de",
    "vodafone-de": "vodafone.de arcor.de vodafonemail.de unitybox.de kabelmail.de",
    "posteo": "posteo.de posteo.net posteo.at posteo.ch",
    "mailbox-org": "mailbox.org",
    "swisscom": "bluewin.ch",
    "a1": "a1.net aon.at",
    "orange": "orange.fr wanadoo.fr voila.fr",
    "free": "free.fr aliceadsl.fr libertysurf.fr infonie.fr",
    "laposte": "laposte.net",
    "sfr": "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr noos.fr 9online.fr",
    "bouygues": "bbox.fr",
    "proximus": "skynet.be proximus.be belgacom.net",
    "telenet": "telenet.be pandora.be",
    "kpn": "kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl kpnplanet.nl",
    "ziggo": "ziggo.nl upcmail.nl casema.nl chello.nl quicknet.nl",
    "comcast": "comcast.net xfinity.com",
    "att": "att.net sbcglobal.net bellsouth.net ameritech.net pacbell.net prodigy.net swbell.net flash.net nvbell.net "
    "snet.net currently.com",
    "cox": "cox.net",
    "charter": "charter.net spectrum.net roadrunner.com rr.com twc.com brighthouse.com bresnan.net",
    "optimum": "optonline.net optimum.net suddenlink.net",
    "frontier": "frontier.com frontiernet.net",
    "centurylink": "centurylink.net embarqmail.com q.com centurytel.net",
    "earthlink": "earthlink.net mindspring.com peoplepc.com",
    "juno": "juno.com netzero.net netzero.com",
    "windstream": "windstream.net",
    "mail-ru": "mail.ru inbox.ru list.ru bk.ru internet.ru xmail.ru vk.com",
    "yandex": "ya.ru narod.ru",
    "rambler": "rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru rambler.ua",
    "ukr-net": "ukr.net",
    "qq": "qq.com vip.qq.com foxmail.com",
    "netease": "163.com 126.com yeah.net vip.163.com vip.126.com 188.com netease.com",
    "sina": "sina.com sina.cn vip.sina.com sina.com.cn",
    "sohu": "sohu.com vip.sohu.com",
    "aliyun": "aliyun.com",
    "china-mobile": "139.com",
    "china-telecom": "189.cn",
    "naver": "naver.com",
    "daum": "daum.net hanmail.net kakao.com",
    "nate": "nate.com",
    "docomo": "docomo.ne.jp",
    "au": "au.com ezweb.ne.jp",
    "softbank": "softbank.ne.jp i.softbank.jp",
    "rediff": "rediffmail.com rediff.com",
    "libero": "libero.it iol.it inwind.it blu.it giallo.it",
    "virgilio": "virgilio.it",
    "tiscali": "tiscali.it tiscali.co.uk tiscalinet.it",
    "tim": "tim.it alice.it tin.it",
    "aruba": "aruba.it pec.it",
    "fastweb": "fastwebnet.it",
    "wp": "wp.pl o2.pl tlen.pl go2.pl",
    "onet": "onet.pl op.pl onet.eu poczta.onet.pl vp.pl onet.com.pl autograf.pl",
    "interia": "interia.pl interia.eu poczta.fm interia.com intmail.pl",
    "gazeta": "gazeta.pl",
    "seznam": "seznam.cz email.cz post.cz spoluzaci.cz stream.cz",
    "centrum": "centrum.cz centrum.sk atlas.cz volny.cz",
    "freemail-hu": "freemail.hu citromail.hu",
    "abv": "abv.bg",
    "uol": "uol.com.br bol.com.br",
    "terra": "terra.com.br terra.com terra.es",
    "globo": "globo.com globomail.com",
    "ig": "ig.com.br",
    "telus": "telus.net",
    "bell": "bell.net sympatico.ca",
    "rogers": "rogers.com",
    "shaw": "shaw.ca",
    "videotron": "videotron.ca",
    "bigpond": "bigpond.com bigpond.net.au telstra.com",
    "optus": "optusnet.com.au optus.com.au",
    "iinet": "iinet.net.au westnet.com.au internode.on.net",
    "spark": "xtra.co.nz",
    "bt": "btinternet.com btopenworld.com bt.com talk21.com",
    "sky": "sky.com",
    "virgin": "virginmedia.com virgin.net ntlworld.com blueyonder.co.uk",
    "talktalk": "talktalk.net lineone.net",
    "telefonica": "telefonica.net",
    "sapo": "sapo.pt",
    "telia": "telia.com",
    "walla": "walla.co.il walla.com",
    "proton": "proton.me protonmail.com protonmail.ch pm.me",
    "zoho": "zoho.com zohomail.com zohomail.eu zohomail.in",
    "fastmail": "fastmail.com fastmail.fm fastmail.us fastmail.net fastmail.co.uk fastmail.de messagingengine.com",
    "tuta": "tutanota.com tutanota.de tuta.com tuta.io tutamail.com keemail.me",
    "hey": "hey.com",
    "hushmail": "hushmail.com hush.com",
    "startmail": "startmail.com",
    "runbox": "runbox.com",
}
"""The domains of each provider group, apart from those that follow from `BRANDS`."""

BRANDS: Final[dict[str, tuple[str, ...]]] = {
    "microsoft": ("outlook", "hotmail", "live", "msn"),
    "yahoo": ("yahoo",),
    "gmx": ("gmx",),
    "yandex": ("yandex",),
}
"""The names that a provider uses under many top-level domains."""
SUFFIXES: Final = (
    "com net org eu info biz co us ca mx cl ar br pe ec uy de at ch li fr be nl lu ie uk es pt it gr dk se no fi is pl "
    "cz sk hu ro bg si hr rs ba mk al md ee lv lt ru by ua kz uz az ge am kg tj tm tr il ae sa qa eg ma dz tn za ng ke "
    "gh in pk bd lk np cn hk tw jp kr sg my th vn ph id au nz cc tv me "
    "co.uk co.in co.id co.il co.jp co.kr co.nz co.th co.za co.hu com.ar com.au com.bo com.br com.cn com.co com.ec "
    "com.es com.ge com.gr com.hk com.mt com.mx com.my com.pe com.ph com.pk com.pl com.pt com.ru com.sa com.sg "
    "com.tr com.tw com.ua com.uy com.ve com.vn com.am"
)
"""The public suffixes under which the domains of `BRANDS` are looked for.

A few of the domains may belong to other companies, whose figures are then in the wrong group.
"""


def _groups() -> dict[str, str]:
    branded = {
        f"{brand}.{suffix}": group
        for group, brands in BRANDS.items()
        for brand in brands
        for suffix in SUFFIXES.split()
    }
    return branded | {domain: group for group, domains in DOMAINS.items() for domain in domains.split()}


GROUPS: Final[dict[str, str]] = _groups()
"""The provider group by domain, in lower case."""


def group_of(recipient: str) -> str:
    """Return the provider group of an address. A domain that is not listed, or not valid, is in the group `REST`."""
    return GROUPS.get(recipient[recipient.rfind("@") + 1 :].lower(), REST)

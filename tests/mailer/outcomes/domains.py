"""List domains of mailboxes with the provider groups that they are expected to be in."""

from __future__ import annotations

from mailer.outcomes.providers import REST

_LINES = """
google: gmail.com googlemail.com
microsoft: outlook.com hotmail.com live.com msn.com outlook.de hotmail.co.uk live.nl outlook.com.br hotmail.fr
microsoft: live.com.au outlook.jp hotmail.com.tr live.co.uk hotmail.it outlook.es live.fr hotmail.de outlook.co.id
microsoft: windowslive.com
yahoo: yahoo.com yahoo.de yahoo.co.uk yahoo.com.br yahoo.fr yahoo.co.in yahoo.com.mx yahoo.es yahoo.it yahoo.ca
yahoo: yahoo.com.ar yahoo.com.ph yahoo.com.sg ymail.com rocketmail.com aol.com aim.com aol.co.uk verizon.net
yahoo-japan: yahoo.co.jp
apple: icloud.com me.com mac.com
gmx: gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.co.uk gmx.fr web.de mail.com
t-online: t-online.de
orange: orange.fr wanadoo.fr
free: free.fr
laposte: laposte.net
sfr: sfr.fr neuf.fr
comcast: comcast.net
att: att.net sbcglobal.net bellsouth.net
cox: cox.net
charter: charter.net roadrunner.com
mail-ru: mail.ru bk.ru inbox.ru list.ru
yandex: yandex.ru yandex.com ya.ru yandex.by yandex.kz yandex.com.tr yandex.ua
qq: qq.com foxmail.com
netease: 163.com 126.com yeah.net
sina: sina.com
naver: naver.com
daum: hanmail.net daum.net
rediff: rediffmail.com
libero: libero.it
virgilio: virgilio.it
tiscali: tiscali.it
wp: wp.pl o2.pl
onet: onet.pl op.pl
interia: interia.pl
seznam: seznam.cz email.cz
uol: uol.com.br bol.com.br
terra: terra.com.br
telus: telus.net
bell: bell.net sympatico.ca
rogers: rogers.com
shaw: shaw.ca
bigpond: bigpond.com bigpond.net.au
optus: optusnet.com.au
bt: btinternet.com
sky: sky.com
virgin: virginmedia.com ntlworld.com
talktalk: talktalk.net
proton: proton.me protonmail.com pm.me
zoho: zoho.com
fastmail: fastmail.com fastmail.fm
tuta: tutanota.com tuta.io
hey: hey.com
rest: example.com gmail.co gmai.com hotmai.com example.gmail.com outlook.example xn--bcher-kva.example localhost
"""
EXPECTED = {
    domain: group
    for line in _LINES.split("\n")
    if line
    for group, _, domains in [line.partition(": ")]
    for domain in domains.split()
}
assert REST in EXPECTED.values()
